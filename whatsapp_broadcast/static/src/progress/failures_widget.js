import { Component, useState } from "@odoo/owl";
import { registry } from "@web/core/registry";
import { useService } from "@web/core/utils/hooks";
import { formatInteger } from "@web/views/fields/formatters";
import { standardWidgetProps } from "@web/views/widgets/standard_widget_props";

import { useRecipients } from "./progress_widget";

/** Why messages failed: each reason with its count, its people and what to do. */
export class BroadcastFailures extends Component {
    static template = "whatsapp_broadcast.Failures";
    static props = standardWidgetProps;

    setup() {
        this.orm = useService("orm");
        this.formatInteger = formatInteger;
        this.openRecipients = useRecipients(() => this.props.record);
        this.state = useState({ codes: null });
    }

    get groups() {
        return this.props.record.data.failure_groups || [];
    }

    open({ error_class }) {
        return this.openRecipients({
            search_default_failed: 1,
            search_default_error_class: error_class,
        });
    }

    /** The rows are counted only for who asks. */
    async onToggle({ target }) {
        if (target.open) {
            const ids = [this.props.record.resId];
            this.state.codes = await this.orm.call("whatsapp.broadcast", "get_failures", ids);
        }
    }
}

registry.category("view_widgets").add("whatsapp_failures", {
    component: BroadcastFailures,
    fieldDependencies: [
        { name: "failed_count", type: "integer" },
        { name: "failure_groups", type: "json" },
    ],
});
