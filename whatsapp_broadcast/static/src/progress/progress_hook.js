import { onMounted, onWillUnmount } from "@odoo/owl";
import { browser } from "@web/core/browser/browser";
import { useService } from "@web/core/utils/hooks";

const NOTIFICATION = "whatsapp_broadcast/progress";
const MOVING_STATES = ["scheduled", "preparing", "sending"];
/** How long the bus may be silent about a moving broadcast before it is asked for. */
const SILENCE = 5000;
const TICK = 1000;

/**
 * Keeps broadcasts on the screen up to date, by the bus or, where it does not tell
 * (no websocket, somebody else's broadcast), by asking.
 *
 * @param {() => Object[]} getRecords the records shown
 * @param {(record: Object) => Promise} refresh reads a record again
 */
export function useBroadcastProgress(getRecords, refresh) {
    const bus = useService("bus_service");
    const heardAt = {};
    const waiting = new Set();
    let busy = false;
    let timer;

    async function refreshWaiting() {
        if (busy) {
            return;
        }
        busy = true;
        try {
            for (const id of waiting) {
                waiting.delete(id);
                heardAt[id] = Date.now();
                const record = getRecords().find((record) => record.resId === id);
                if (record && !(await record.isDirty())) {
                    await refresh(record);
                }
            }
        } finally {
            busy = false;
        }
    }

    function onProgress({ id }) {
        if (getRecords().some((record) => record.resId === id)) {
            waiting.add(id);
            refreshWaiting();
        }
    }

    function askAfterSilence() {
        if (document.hidden) {
            return;
        }
        for (const { resId, data } of getRecords()) {
            heardAt[resId] ??= Date.now();
            const silent = Date.now() - heardAt[resId] >= SILENCE;
            if (resId && MOVING_STATES.includes(data.state) && silent) {
                waiting.add(resId);
            }
        }
        refreshWaiting();
    }

    onMounted(() => {
        bus.subscribe(NOTIFICATION, onProgress);
        timer = browser.setInterval(askAfterSilence, TICK);
    });
    onWillUnmount(() => {
        bus.unsubscribe(NOTIFICATION, onProgress);
        browser.clearInterval(timer);
    });
}
