import { Component, onWillDestroy, useState } from "@odoo/owl";
import { _t } from "@web/core/l10n/translation";
import { formatInteger } from "@web/views/fields/formatters";
import { registry } from "@web/core/registry";
import { KeepLast } from "@web/core/utils/concurrency";
import { useService } from "@web/core/utils/hooks";
import { debounce } from "@web/core/utils/timing";
import { useRecordObserver } from "@web/model/relational_model/utils";
import { standardWidgetProps } from "@web/views/widgets/standard_widget_props";

/** What the figures depend on. */
const FIELDS = [
    "audience_type",
    "audience_model",
    "audience_domain",
    "lead_ids",
    "partner_ids",
    "list_ids",
    "exclude_list_ids",
    "exclude_days",
    "custom_row_ids",
    "earlier_broadcast_ids",
    "earlier_result",
    "include_closed",
    "skip_country_guessed",
    "company_id",
    "number_id",
    "message_type",
    "template_id",
    "template_params",
];
/** Milliseconds without a change after which it is counted. */
const PATIENCE = 400;

/** On a draft: how many are found, reached and left out, while one chooses. */
export class AudienceFigures extends Component {
    static template = "whatsapp_broadcast.AudienceFigures";
    static props = standardWidgetProps;

    setup() {
        this.orm = useService("orm");
        this.keepLast = new KeepLast();
        this.state = useState({ figures: null, error: "", isCounting: false });
        this.count = debounce(() => this.load(), PATIENCE);
        onWillDestroy(() => this.count.cancel());
        useRecordObserver((record) => {
            const chosen = JSON.stringify(FIELDS.map((name) => this.valueOf(record, name)));
            if (chosen !== this.chosen) {
                this.chosen = chosen;
                this.count();
            }
        });
    }

    valueOf({ data }, name) {
        const value = data[name];
        return value?.currentIds || value?.id || value;
    }

    async load() {
        const { record } = this.props;
        if (record.data.state !== "draft") {
            return;
        }
        this.state.isCounting = true;
        try {
            const changes = await record.getChanges({ withReadonly: true });
            const ids = record.resId ? [record.resId] : [];
            this.state.figures = await this.keepLast.add(
                this.orm.silent.call(record.resModel, "get_audience_figures", [ids, changes])
            );
            this.state.error = "";
        } catch (error) {
            this.state.figures = null;
            this.state.error = error.data?.message || _t("The audience could not be counted.");
        }
        this.state.isCounting = false;
    }

    get share() {
        const { found, reachable } = this.state.figures;
        return found ? Math.round((100 * reachable) / found) : 0;
    }

    get limitText() {
        const { daily_limit, days } = this.state.figures;
        const limit = formatInteger(daily_limit);
        return days > 1
            ? _t("At most %(limit)s new people a day: this takes about %(days)s days.", {
                  limit,
                  days,
              })
            : _t("Within the limit of %s new people a day.", limit);
    }

    format(count) {
        return formatInteger(count);
    }
}

registry.category("view_widgets").add("whatsapp_audience_figures", {
    component: AudienceFigures,
    fieldDependencies: [{ name: "state", type: "selection" }],
});
