import { Component, onMounted, onWillUnmount, useState } from "@odoo/owl";
import { browser } from "@web/core/browser/browser";
import { deserializeDateTime, toLocaleDateTimeString } from "@web/core/l10n/dates";
import { _t } from "@web/core/l10n/translation";
import { useService } from "@web/core/utils/hooks";
import { formatInteger } from "@web/views/fields/formatters";

const { DateTime } = luxon;

/** How far back the present pace is measured, and how often it is looked at. */
const SPAN = 60000;
const TICK = 5000;
/** How often the server is asked when it ends: it changes slowly. */
const ASK_EVERY = 30000;

/**
 * Messages a minute between the first and the last of ``samples``.
 *
 * @param {{at: number, settled: number}[]} samples oldest first, at in milliseconds
 * @returns {number | null} null while there is nothing to measure
 */
export function measurePace(samples) {
    if (samples.length < 2) {
        return null;
    }
    const [first, last] = [samples[0], samples.at(-1)];
    return Math.max(0, (60000 * (last.settled - first.settled)) / (last.at - first.at));
}

/** How fast a broadcast is sent just now, and about when it ends. */
export class BroadcastPace extends Component {
    static template = "whatsapp_broadcast.Pace";
    static props = { record: Object };

    setup() {
        this.orm = useService("orm");
        this.samples = [];
        this.state = useState({ pace: null, expected: null });
        let timer;
        onMounted(() => {
            this.ask(); // the form does not wait for it
            this.look();
            timer = browser.setInterval(() => this.look(), TICK);
        });
        onWillUnmount(() => browser.clearInterval(timer));
    }

    async ask() {
        this.askedAt = Date.now();
        const ids = [this.props.record.resId];
        this.state.expected = await this.orm
            .silent.call("whatsapp.broadcast", "get_expected_end", ids);
    }

    look() {
        const { reachable_count, queued_count, sending_count } = this.props.record.data;
        const at = Date.now();
        this.samples.push({ at, settled: reachable_count - queued_count - sending_count });
        this.samples = this.samples.filter((sample) => at - sample.at <= SPAN);
        this.state.pace = measurePace(this.samples);
        if (at - this.askedAt >= ASK_EVERY && !document.hidden) {
            this.ask();
        }
    }

    get now() {
        const { pace } = this.state;
        return pace === null
            ? _t("Measuring…")
            : _t("%s messages a minute", formatInteger(Math.round(pace)));
    }

    get possible() {
        const { messages_per_minute } = this.state.expected;
        return _t("%s a minute", formatInteger(Math.round(messages_per_minute)));
    }

    get waitsForChoice() {
        const { ab_is_manual, ab_winner, variant_ids } = this.props.record.data;
        return Boolean(ab_is_manual && !ab_winner && variant_ids?.count);
    }

    get end() {
        const { ends_at } = this.state.expected;
        if (!ends_at) {
            return this.waitsForChoice
                ? _t("when the A/B test is decided")
                : _t("not within 90 days");
        }
        const at = deserializeDateTime(ends_at);
        const now = DateTime.now();
        if (at <= now.plus({ minutes: 1 })) {
            return _t("in about a minute");
        }
        return _t("about %(time)s (%(left)s)", {
            time: toLocaleDateTimeString(at),
            left: at.toRelative({ base: now }),
        });
    }
}
