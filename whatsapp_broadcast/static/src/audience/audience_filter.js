import { Component, xml } from "@odoo/owl";
import { DomainSelector } from "@web/core/domain_selector/domain_selector";
import { _t } from "@web/core/l10n/translation";
import { registry } from "@web/core/registry";
import { standardFieldProps } from "@web/views/fields/standard_field_props";

/** The filter of what was launched: not counted again, as Odoo's own widget would. */
export class AudienceFilter extends Component {
    static template = xml`
        <DomainSelector resModel="props.record.data.audience_model" domain="props.record.data[props.name] || '[]'" className="'o_read_mode'"/>
    `;
    static components = { DomainSelector };
    static props = standardFieldProps;
}

registry.category("fields").add("whatsapp_audience_filter", {
    component: AudienceFilter,
    displayName: _t("WhatsApp Audience Filter"),
    supportedTypes: ["char"],
    fieldDependencies: [{ name: "audience_model", type: "selection" }],
    isEmpty: () => false,
});
