import { onWillDestroy } from "@odoo/owl";
import { useDebounced } from "@web/core/utils/timing";
import { useRecordObserver } from "@web/model/relational_model/utils";

/** What of a draft says who gets what, besides its audience's lists. */
const FIELDS = [
    "number_id",
    "user_id",
    "message_type",
    "template_id",
    "template_version",
    "template_params",
    "in_recipient_language",
    "audience_type",
    "audience_model",
    "audience_domain",
    "earlier_result",
    "include_closed",
    "skip_country_guessed",
    "exclude_days",
    "company_id",
    "custom_columns",
    "recipient_count",
];
/** Where an audience, and who is left out of it, may be kept. */
const LISTS = [
    "lead_ids",
    "partner_ids",
    "list_ids",
    "exclude_list_ids",
    "custom_row_ids",
    "earlier_broadcast_ids",
];
/** Sent by the form when it saves; to look at people they are only weight. */
const UNSENT = ["media_file"];

function keyOf(record) {
    const { data, resId } = record;
    if (data.state && data.state !== "draft") {
        return JSON.stringify([resId, data.state]);
    }
    const values = FIELDS.map((name) => data[name]?.id ?? data[name]);
    const lists = LISTS.map((name) => data[name]?.currentIds);
    const messages = data.variant_ids?.records.map(({ resId, data }) => [
        resId,
        data.template_id?.id,
        data.template_params,
    ]);
    return JSON.stringify([resId, values, lists, messages]);
}

/** @returns {number|false} the broadcast of a form, which may be that of its launch */
export function broadcastId({ resModel, resId, data }) {
    return resModel === "whatsapp.broadcast" ? resId : data.broadcast_id.id;
}

/** @returns {Object|null} what the form would save, null if nothing counts any more */
export function unsaved(record) {
    const { resModel, data } = record;
    if (resModel !== "whatsapp.broadcast" || (data.state && data.state !== "draft")) {
        return null;
    }
    const changes = record._getChanges();
    UNSENT.forEach((name) => delete changes[name]);
    return changes;
}

/**
 * Calls back when a broadcast's form says something else of who gets what.
 *
 * @param {(record: Object, isOther: boolean) => any} callback ``isOther``: another record
 *   is in the form now
 */
export function useDraft(callback) {
    let isGone = false;
    onWillDestroy(() => (isGone = true)); // a form may make a widget that it never shows
    let key, last;
    let isOther = false;
    const call = useDebounced(async () => {
        // A list changes at once, what would be saved when the onchange has answered.
        await last.model.mutex.getUnlockedDef();
        if (!isGone) {
            callback(last, isOther);
            isOther = false;
        }
    }, 250);
    useRecordObserver((record) => {
        const present = keyOf(record);
        if (present !== key) {
            isOther ||= record.resId !== last?.resId;
            key = present;
            last = record;
            call();
        }
    });
}
