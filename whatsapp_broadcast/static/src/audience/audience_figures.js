import { Component, useState } from "@odoo/owl";
import { _t } from "@web/core/l10n/translation";
import { formatInteger } from "@web/views/fields/formatters";
import { RPCError } from "@web/core/network/rpc";
import { registry } from "@web/core/registry";
import { KeepLast } from "@web/core/utils/concurrency";
import { useService } from "@web/core/utils/hooks";
import { standardWidgetProps } from "@web/views/widgets/standard_widget_props";

import { unsaved, useDraft } from "../message/draft";

/** On a draft: how many are found, reached and left out, while one chooses. */
export class AudienceFigures extends Component {
    static template = "whatsapp_broadcast.AudienceFigures";
    static props = standardWidgetProps;

    setup() {
        this.orm = useService("orm");
        this.keepLast = new KeepLast();
        this.state = useState({ figures: null, error: "", isCounting: false });
        useDraft((record) => this.load(record));
    }

    async load(record) {
        const changes = unsaved(record);
        if (!changes) {
            return; // no draft any more
        }
        this.state.isCounting = true;
        try {
            const ids = record.resId ? [record.resId] : [];
            this.state.figures = await this.keepLast.add(
                this.orm.silent.call(record.resModel, "get_audience_figures", [ids, changes])
            );
            this.state.error = "";
        } catch (error) {
            if (!(error instanceof RPCError)) {
                throw error;
            }
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
