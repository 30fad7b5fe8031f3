import { Component, useState } from "@odoo/owl";
import { registry } from "@web/core/registry";
import { KeepLast } from "@web/core/utils/concurrency";
import { useService } from "@web/core/utils/hooks";
import { useRecordObserver } from "@web/model/relational_model/utils";
import { standardWidgetProps } from "@web/views/widgets/standard_widget_props";

/** People up to whom the sum follows the deliveries, and up to whom it is made unasked. */
const FOLLOWED = 5000;
const UNASKED = 100000;

/** What a broadcast was to cost and did cost: added up beside the form, not in it. */
export class Costs extends Component {
    static template = "whatsapp_broadcast.Costs";
    static props = standardWidgetProps;

    setup() {
        this.orm = useService("orm");
        this.action = useService("action");
        this.keepLast = new KeepLast();
        this.state = useState({ costs: null, isAsked: false });
        // nothing is returned: the form does not wait for the sum
        useRecordObserver((record) => {
            this.follow(record);
        });
    }

    get isAwaited() {
        return this.state.isAsked || this.props.record.data.reachable_count <= UNASKED;
    }

    follow({ resId, data }) {
        const moves = data.reachable_count <= FOLLOWED && data.delivered_count;
        const seen = [resId, data.state, moves].join();
        if (resId && seen !== this.seen) {
            this.seen = seen;
            if (this.isAwaited) {
                this.load(resId);
            }
        }
    }

    ask() {
        this.state.isAsked = true;
        this.load(this.props.record.resId);
    }

    async load(id) {
        const call = this.orm.silent.call("whatsapp.broadcast", "get_costs", [[id]]);
        this.state.costs = await this.keepLast.add(call);
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
        { name: "reachable_count", type: "integer" },
    ],
});
