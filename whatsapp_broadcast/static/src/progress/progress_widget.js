import { Component } from "@odoo/owl";
import { _t } from "@web/core/l10n/translation";
import { registry } from "@web/core/registry";
import { useService } from "@web/core/utils/hooks";
import { formatInteger } from "@web/views/fields/formatters";
import { standardWidgetProps } from "@web/views/widgets/standard_widget_props";

import { BroadcastPace } from "./pace";

const COUNTERS = [
    "reachable_count",
    "accepted_count",
    "sent_count",
    "delivered_count",
    "read_count",
    "replied_count",
    "queued_count",
    "sending_count",
    "held_count",
    "failed_count",
    "unknown_count",
    "cancelled_count",
];

/** The filter of the recipients' list that shows whom a figure counts. */
const FILTERS = { queued_count: "queued", sending_count: "queued" };

/** Opens the recipients of a broadcast, searched by what is in ``context``. */
export function useRecipients(record) {
    const action = useService("action");
    return (context) =>
        action.doActionButton({
            type: "object",
            name: "action_open_recipients",
            resModel: record().resModel,
            resId: record().resId,
            context: { recipient_context: context },
        });
}

/** How far a broadcast is: one bar, the funnel beneath it, and what fell out of it. */
export class BroadcastProgress extends Component {
    static template = "whatsapp_broadcast.Progress";
    static components = { BroadcastPace };
    static props = standardWidgetProps;

    setup() {
        this.openRecipients = useRecipients(() => this.props.record);
    }

    get percent() {
        return Math.floor(this.props.record.data.progress);
    }

    get title() {
        const { state } = this.props.record.data;
        return state === "preparing" ? _t("Preparing the recipients…") : _t("Progress");
    }

    /** @returns {{name: string, label: string, count: string, percent: number}[]} */
    get stages() {
        return [
            this.stage("accepted_count", _t("Accepted")),
            this.stage("sent_count", _t("Sent")),
            this.stage("delivered_count", _t("Delivered")),
            this.stage("read_count", _t("Read")),
            this.stage("replied_count", _t("Replied")),
        ];
    }

    /** What is not in the funnel, as far as there is any. */
    get others() {
        return [
            this.stage("queued_count", _t("Waiting")),
            this.stage("sending_count", _t("Being sent")),
            this.stage("held_count", _t("Held by provider")),
            this.stage("failed_count", _t("Failed")),
            this.stage("unknown_count", _t("Unknown")),
            this.stage("cancelled_count", _t("Cancelled")),
        ].filter(({ percent, count }) => percent || count !== "0");
    }

    open(name) {
        const filter = FILTERS[name] ?? name.replace("_count", "");
        return this.openRecipients({ [`search_default_${filter}`]: 1 });
    }

    stage(name, label) {
        const { data } = this.props.record;
        const share = data.reachable_count ? data[name] / data.reachable_count : 0;
        const count = formatInteger(data[name]);
        return {
            name,
            label,
            count,
            percent: Math.round(100 * share),
            title: _t("Show these recipients: %(label)s, %(count)s", { label, count }),
        };
    }
}

registry.category("view_widgets").add("whatsapp_progress", {
    component: BroadcastProgress,
    fieldDependencies: [
        { name: "state", type: "selection" },
        { name: "progress", type: "float" },
        ...COUNTERS.map((name) => ({ name, type: "integer" })),
    ],
});
