import { Component, onWillStart, useEffect, useRef } from "@odoo/owl";
import { loadBundle } from "@web/core/assets";
import { cookie } from "@web/core/browser/cookie";
import { getColor } from "@web/core/colors/colors";
import { deserializeDate, formatDate } from "@web/core/l10n/dates";
import { localization } from "@web/core/l10n/localization";
import { _t } from "@web/core/l10n/translation";

/** Shares delivered, read and replied of each day, as lines, and as a table. */
export class RatesChart extends Component {
    static template = "whatsapp_broadcast.RatesChart";
    static props = { days: Array };

    setup() {
        this.canvas = useRef("canvas");
        onWillStart(() => loadBundle("web.chartjs_lib"));
        useEffect(
            () => {
                const chart = new Chart(this.canvas.el, this.config);
                return () => chart.destroy();
            },
            () => [this.props.days]
        );
    }

    get lines() {
        return [
            { name: "delivered_count", label: _t("Delivered (%)") },
            { name: "read_count", label: _t("Read (%)") },
            { name: "replied_count", label: _t("Replied (%)") },
        ];
    }

    /** Days on which nothing went out have no rate. */
    rate(day, name) {
        return day.written_count ? (100 * day[name]) / day.written_count : null;
    }

    /** Days of the table: those on which something went out. */
    get rows() {
        return this.props.days
            .filter((day) => day.written_count)
            .map((day) => ({
                date: this.label(day),
                written: day.written_count,
                rates: this.lines.map(({ name }) => `${this.rate(day, name).toFixed(1)}%`),
            }));
    }

    label({ date }) {
        return formatDate(deserializeDate(date));
    }

    get config() {
        const isRtl = localization.direction === "rtl";
        const scheme = cookie.get("color_scheme");
        return {
            type: "line",
            data: {
                labels: this.props.days.map((day) => this.label(day)),
                datasets: this.lines.map(({ name, label }, index) => ({
                    label,
                    data: this.props.days.map((day) => this.rate(day, name)),
                    borderColor: getColor(index, scheme, 3),
                    backgroundColor: getColor(index, scheme, 3),
                    spanGaps: true,
                    pointRadius: 3,
                    tension: 0.2,
                })),
            },
            options: {
                maintainAspectRatio: false,
                interaction: { mode: "index", intersect: false },
                scales: {
                    x: { reverse: isRtl, ticks: { maxTicksLimit: 8, maxRotation: 0 } },
                    y: { min: 0, max: 100, position: isRtl ? "right" : "left" },
                },
                plugins: { legend: { rtl: isRtl }, tooltip: { rtl: isRtl } },
            },
        };
    }
}
