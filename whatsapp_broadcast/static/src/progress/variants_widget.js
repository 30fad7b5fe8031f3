import { Component, useState } from "@odoo/owl";
import { _t } from "@web/core/l10n/translation";
import { ConfirmationDialog } from "@web/core/confirmation_dialog/confirmation_dialog";
import { registry } from "@web/core/registry";
import { KeepLast } from "@web/core/utils/concurrency";
import { useService } from "@web/core/utils/hooks";
import { useRecordObserver } from "@web/model/relational_model/utils";
import { formatInteger } from "@web/views/fields/formatters";
import { standardWidgetProps } from "@web/views/widgets/standard_widget_props";

/** The messages of an A/B test beside each other, and the choice between them. */
export class BroadcastVariants extends Component {
    static template = "whatsapp_broadcast.Variants";
    static props = standardWidgetProps;

    setup() {
        this.orm = useService("orm");
        this.dialog = useService("dialog");
        this.keepLast = new KeepLast();
        this.formatInteger = formatInteger;
        this.columns = [
            ["accepted", _t("Sent")],
            ["delivered", _t("Delivered")],
            ["read", _t("Read")],
            ["replied", _t("Replied")],
            ["clicked", _t("Clicked")],
            ["failed", _t("Failed")],
        ];
        this.state = useState({ variants: null });
        useRecordObserver(({ data, resId }) => {
            // asked anew when something moved
            const seen = [resId, data.ab_winner, data.accepted_count, data.read_count].join();
            if (resId && seen !== this.seen) {
                this.seen = seen;
                this.load(resId);
            }
        });
    }

    async load(id) {
        const call = this.orm.silent.call("whatsapp.broadcast", "get_variant_figures", [[id]]);
        this.state.variants = await this.keepLast.add(call);
    }

    get canChoose() {
        const { state, ab_winner } = this.props.record.data;
        return ["sending", "paused"].includes(state) && !ab_winner;
    }

    share(variant, name) {
        return variant.accepted ? Math.round((100 * variant[name]) / variant.accepted) : 0;
    }

    choose({ name, template }) {
        const { record } = this.props;
        this.dialog.add(ConfirmationDialog, {
            title: _t("Send message %s to everybody else?", name),
            body: _t("%s goes to all who wait for the end of the test.", template),
            confirmLabel: _t("Send Message %s", name),
            confirm: async () => {
                const args = [[record.resId], name];
                await this.orm.call("whatsapp.broadcast", "action_choose_winner", args);
                await record.load();
            },
            cancelLabel: _t("Not Yet"),
            cancel: () => {},
        });
    }
}

registry.category("view_widgets").add("whatsapp_variants", {
    component: BroadcastVariants,
    fieldDependencies: [
        { name: "ab_winner", type: "char" },
        { name: "accepted_count", type: "integer" },
        { name: "read_count", type: "integer" },
        { name: "state", type: "selection" },
    ],
});
