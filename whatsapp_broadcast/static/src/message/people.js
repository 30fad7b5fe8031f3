import { useComponent, useState } from "@odoo/owl";
import { _t } from "@web/core/l10n/translation";
import { RPCError } from "@web/core/network/rpc";
import { KeepLast } from "@web/core/utils/concurrency";
import { useService } from "@web/core/utils/hooks";

import { broadcastId, unsaved, useDraft } from "./draft";

const MESSAGES = ["A", "B", "C"];

/**
 * The people of a broadcast's audience, one at a time, and what the message says to each.
 *
 * They follow the form, saved or not.
 */
export function usePeople() {
    const { props } = useComponent();
    const orm = useService("orm");
    const keepLast = new KeepLast();
    const state = useState({
        person: null,
        offset: 0,
        count: 0,
        isMore: false,
        onlyProblems: false,
        /** Of an A/B test: which one is shown, of these. */
        message: "A",
        messages: [],
        isLoading: true,
        error: "",
    });
    let record = props.record;

    async function fetch(offset, withCount) {
        const id = broadcastId(record);
        return orm.silent.call(
            "whatsapp.broadcast",
            "get_message_previews",
            [id ? [id] : []],
            {
                offset,
                limit: 1,
                changes: unsaved(record),
                only_problems: state.onlyProblems,
                with_count: withCount,
                message: state.message,
            }
        );
    }

    async function load(offset, withCount) {
        state.isLoading = true;
        if (record.data.variant_ids && isRemoved(state.message, record.data.variant_ids)) {
            state.message = "A";
        }
        try {
            const found = await keepLast.add(fetch(offset, withCount));
            if (withCount) {
                Object.assign(state, { count: found.count, isMore: found.is_more });
            }
            Object.assign(state, { error: "", messages: found.messages });
            if (!found.people.length && offset) {
                return load(0, true); // the audience is smaller now
            }
            Object.assign(state, { person: found.people[0] || null, offset });
        } catch (error) {
            if (!(error instanceof RPCError)) {
                throw error;
            }
            state.error = error.data?.message || _t("The people cannot be shown just now.");
            state.person = null;
        }
        state.isLoading = false;
    }

    useDraft((observed, isOther) => {
        record = observed;
        return load(isOther ? 0 : state.offset, true);
    });

    return Object.assign(state, {
        step(by) {
            const offset = state.offset + by;
            if (!state.isLoading && offset >= 0 && offset < state.count) {
                return load(offset, false);
            }
        },
        /** Show another message of the test, to the same person if he gets it. */
        async choose(message) {
            state.message = message;
            await load(state.offset, true);
        },
        filter(onlyProblems) {
            state.onlyProblems = onlyProblems;
            return load(0, true);
        },
    });
}

/** The form may have one message less than it had. */
function isRemoved(message, variants) {
    return MESSAGES.indexOf(message) > variants.count;
}
