import { Component, useState } from "@odoo/owl";
import { registry } from "@web/core/registry";
import { KeepLast } from "@web/core/utils/concurrency";
import { useService } from "@web/core/utils/hooks";
import { useRecordObserver } from "@web/model/relational_model/utils";
import { standardWidgetProps } from "@web/views/widgets/standard_widget_props";

/** What a broadcast was to cost and did cost: added up beside the form, not in it. */
export class Costs extends Component {
    static template = "whatsapp_broadcast.Costs";
    static props = standardWidgetProps;

    setup() {
        this.orm = useService("orm");
        this.action = useService("action");
        this.keepLast = new KeepLast();
        this.state = useState({ costs: null });
        useRecordObserver((record) => this.load(record));
    }

    async load(record) {
        const asked = [record.resId, record.data.state, record.data.delivered_count].join();
        if (record.resId && asked !== this.asked) {
            this.asked = asked;
            this.state.costs = await this.keepLast.add(
                this.orm.silent.call("whatsapp.broadcast", "get_costs", [[record.resId]])
            );
        }
    }

    async open() {
        const ids = [this.props.record.resId];
        const action = await this.orm.call("whatsapp.broadcast", "action_open_costs", [ids]);
        this.action.doAction(action);
    }
}

registry.category("view_widgets").add("whatsapp_costs", {
    component: Costs,
    fieldDependencies: [
        { name: "state", type: "selection" },
        { name: "delivered_count", type: "integer" },
    ],
});
