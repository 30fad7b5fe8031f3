import { Component } from "@odoo/owl";
import { formatInteger, formatPercentage } from "@web/views/fields/formatters";
import { localization } from "@web/core/l10n/localization";
import { _t } from "@web/core/l10n/translation";

const { Info } = luxon;

/** Messages below which a share says little, and how much paler it is then. */
const ENOUGH = 20;
const PALE = 0.3;
const BEST = 3;

/** Which share was read of what was sent at each hour of each weekday. */
export class BestHours extends Component {
    static template = "whatsapp_broadcast.BestHours";
    static props = { hours: Array };

    /** Hours that anything was sent at. */
    get shownHours() {
        const sent = new Set(this.props.hours.map(({ hour }) => Number(hour)));
        return [...sent].sort((a, b) => a - b);
    }

    /** @returns {{name: string, cells: Object[]}[]} the week as the user begins it */
    get weekdays() {
        const { weekStart = 1 } = localization;
        return [...Array(7).keys()].map((position) => {
            const weekday = ((weekStart - 1 + position) % 7) + 1;
            return {
                name: Info.weekdays("long")[weekday - 1],
                short: Info.weekdays("short")[weekday - 1],
                cells: this.shownHours.map((hour) => this.cell(weekday, hour)),
            };
        });
    }

    get best() {
        return this.props.hours
            .filter(({ written_count, read_count }) => read_count && written_count >= ENOUGH)
            .map((cell) => ({ ...cell, rate: cell.read_count / cell.written_count }))
            .sort((a, b) => b.rate - a.rate)
            .slice(0, BEST)
            .map(({ weekday, hour, rate }) =>
                _t("%(weekday)s, %(hour)s:00 (%(rate)s read)", {
                    weekday: Info.weekdays("long")[Number(weekday) - 1],
                    hour,
                    rate: formatPercentage(rate, { digits: [16, 0] }),
                })
            );
    }

    get tooFew() {
        return _t("No hour has %s messages of which some were read: trust these shares later.", ENOUGH);
    }

    cell(weekday, hour) {
        const found = this.props.hours.find(
            (cell) => Number(cell.weekday) === weekday && Number(cell.hour) === hour
        );
        if (!found?.written_count) {
            return { hour, text: "", title: _t("Nothing sent"), style: "" };
        }
        const rate = found.read_count / found.written_count;
        const isEnough = found.written_count >= ENOUGH;
        return {
            hour,
            text: String(Math.round(100 * rate)),
            title: _t("%(rate)s of %(count)s messages were read", {
                rate: formatPercentage(rate, { digits: [16, 0] }),
                count: formatInteger(found.written_count),
            }),
            isFew: !isEnough,
            style: `--o-whatsapp-heat: ${(rate * (isEnough ? 1 : PALE)).toFixed(2)}`,
        };
    }
}
