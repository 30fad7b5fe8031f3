import { Component, onWillStart, useState } from "@odoo/owl";
import { _t } from "@web/core/l10n/translation";
import { user } from "@web/core/user";
import { useService } from "@web/core/utils/hooks";
import { patch } from "@web/core/utils/patch";
import { PhoneField } from "@web/views/fields/phone/phone_field";

const MODELS = ["crm.lead", "res.partner"];

/** Beside a lead's or contact's phone: opens the conversation over the form. */
export class WhatsappButton extends Component {
    static template = "whatsapp_broadcast.PhoneButton";
    static props = { record: Object, name: String };

    setup() {
        this.action = useService("action");
        this.orm = useService("orm");
        this.title = _t("Write on WhatsApp");
        this.state = useState({ isShown: false });
        onWillStart(async () => {
            this.state.isShown =
                MODELS.includes(this.props.record.resModel) &&
                (await user.hasGroup("whatsapp_broadcast.group_user"));
        });
    }

    async onClick() {
        const { record } = this.props;
        if (await record.save()) {
            const action = await this.orm.call(
                record.resModel,
                "action_whatsapp_conversation",
                [[record.resId]]
            );
            await this.action.doAction(
                { ...action, target: "new" },
                { onClose: () => record.load() }
            );
        }
    }
}

patch(PhoneField, {
    components: { ...PhoneField.components, WhatsappButton },
});
