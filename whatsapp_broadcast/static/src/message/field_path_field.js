import { registry } from "@web/core/registry";
import {
    FieldSelectorField,
    fieldSelectorField,
} from "@web/views/fields/field_selector/field_selector_field";

/** A field selector whose model is fixed by the view, not by another field. */
export class FieldPathField extends FieldSelectorField {
    get resModel() {
        return this.props.resModel;
    }
}

registry.category("fields").add("whatsapp_field_path", {
    ...fieldSelectorField,
    component: FieldPathField,
});
