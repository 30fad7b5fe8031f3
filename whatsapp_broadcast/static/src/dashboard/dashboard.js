import { Component, onWillStart, useState } from "@odoo/owl";
import { formatInteger, formatPercentage } from "@web/views/fields/formatters";
import { _t } from "@web/core/l10n/translation";
import { registry } from "@web/core/registry";
import { KeepLast } from "@web/core/utils/concurrency";
import { useService } from "@web/core/utils/hooks";
import { Layout } from "@web/search/layout";
import { standardActionServiceProps } from "@web/webclient/actions/action_service";

import { BestHours } from "./best_hours";
import { RatesChart } from "./rates_chart";

/** @returns {string} a share as people read it, or a dash where there is none */
export function share(count, whole) {
    return whole ? formatPercentage(count / whole, { digits: [16, 1] }) : "–";
}

/** What became of the messages of some days: how many, how well, when best. */
export class Dashboard extends Component {
    static template = "whatsapp_broadcast.Dashboard";
    static path = "whatsapp-dashboard";
    static displayName = _t("WhatsApp Dashboard");
    static components = { BestHours, Layout, RatesChart };
    static props = { ...standardActionServiceProps };

    setup() {
        this.orm = useService("orm");
        this.action = useService("action");
        this.keepLast = new KeepLast();
        this.formatInteger = formatInteger;
        this.share = share;
        this.filters = useState({
            days: 30,
            company_id: false,
            number_id: false,
            campaign_id: false,
        });
        this.state = useState({ data: null, isLoading: false });
        this.env.config.setDisplayName(Dashboard.displayName);
        onWillStart(() => this.load());
    }

    async load() {
        this.state.isLoading = true;
        const filters = { ...this.filters };
        try {
            this.state.data = await this.keepLast.add(
                this.orm.call("whatsapp.broadcast.report", "get_dashboard", [], filters)
            );
        } finally {
            this.state.isLoading = false;
        }
    }

    get periods() {
        return [7, 30, 90, 365].map((days) => ({
            days,
            label: _t("Last %s days", days),
        }));
    }

    /** Filters that there is something to choose from. */
    get choices() {
        const { company_id, number_id, campaign_id } = this.state.data.choices;
        return [
            { name: "company_id", label: _t("Company"), all: _t("All companies"), options: company_id },
            { name: "number_id", label: _t("Number"), all: _t("All numbers"), options: number_id },
            { name: "campaign_id", label: _t("Campaign"), all: _t("All campaigns"), options: campaign_id },
        ].filter(
            ({ name, options }) =>
                options.length > 1 || this.filters[name] || (name === "campaign_id" && options.length)
        );
    }

    get isFiltered() {
        const { company_id, number_id, campaign_id } = this.filters;
        return Boolean(company_id || number_id || campaign_id);
    }

    get cards() {
        const { totals } = this.state.data;
        const whole = totals.written_count;
        const card = (name, label, help) => ({
            name,
            label,
            help,
            value: share(totals[name], whole),
            detail: formatInteger(totals[name]),
        });
        const optOuts = {
            name: "opt_out_count",
            label: _t("Opt-outs"),
            help: _t("Of the whole company, whatever they had received."),
            value: totals.opt_out_count === null ? "–" : formatInteger(totals.opt_out_count),
        };
        return [
            {
                name: "written_count",
                label: _t("Written to"),
                help: _t("WhatsApp took the message or refused it. All rates are shares of these."),
                value: formatInteger(whole),
            },
            card("delivered_count", _t("Delivered"), _t("It arrived on the phone.")),
            card("read_count", _t("Read"), _t("As far as people let others see it.")),
            card("replied_count", _t("Replied"), _t("They wrote back.")),
            card("failed_count", _t("Failed"), _t("WhatsApp refused or could not deliver it.")),
            optOuts,
        ];
    }

    setFilter(name, value) {
        this.filters[name] = value ? Number(value) : false;
        return this.load();
    }

    openFailures(failure) {
        return this.action.doAction({
            type: "ir.actions.act_window",
            name: failure.label,
            res_model: "whatsapp.broadcast.report",
            views: [[false, "list"]],
            domain: [
                ...this.state.data.domain,
                ["state", "=", "failed"],
                ["error_class", "=", failure.error_class],
            ],
        });
    }

    openBroadcast(id) {
        return this.action.doAction({
            type: "ir.actions.act_window",
            res_model: "whatsapp.broadcast",
            res_id: id,
            views: [[false, "form"]],
        });
    }

    openBroadcasts() {
        return this.action.doAction("whatsapp_broadcast.whatsapp_broadcast_action", {
            clearBreadcrumbs: true,
        });
    }
}

registry.category("actions").add("whatsapp_broadcast_dashboard", Dashboard);
