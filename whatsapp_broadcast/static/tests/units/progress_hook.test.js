import { describe, expect, test } from "@odoo/hoot";
import { advanceTime } from "@odoo/hoot-mock";
import { Component, xml } from "@odoo/owl";
import { mountWithCleanup } from "@web/../tests/web_test_helpers";

import { useBroadcastProgress } from "@whatsapp_broadcast/progress/progress_hook";

describe.current.tags("headless");

/** A record as far as the hook looks at it; that it is read again is a step. */
function makeRecord(resId, state, dirty = false) {
    return { resId, data: { state }, isDirty: async () => dirty };
}

async function pass(seconds) {
    for (let second = 0; second < seconds; second++) {
        await advanceTime(1000);
    }
}

/** Shows records and returns what sends a message of the bus. */
async function show(...records) {
    const callbacks = {};
    const bus_service = {
        subscribe: (type, callback) => (callbacks[type] = callback),
        unsubscribe: (type) => delete callbacks[type],
    };
    class Parent extends Component {
        static template = xml`<div/>`;
        static props = {};

        setup() {
            useBroadcastProgress(
                () => records,
                async ({ resId }) => expect.step(resId)
            );
        }
    }
    await mountWithCleanup(Parent, {
        env: { services: { bus_service } },
        noMainContainer: true,
    });
    return (id) => callbacks["whatsapp_broadcast/progress"]({ id });
}

test("a message of the bus refreshes the record that it is about", async () => {
    const send = await show(makeRecord(1, "done"), makeRecord(2, "done"));
    send(2);
    send(3);
    await advanceTime(0);
    expect.verifySteps([2]);
});

test("a record that somebody is editing is left alone", async () => {
    const send = await show(makeRecord(1, "sending", true));
    send(1);
    await advanceTime(0);
    expect.verifySteps([]);
});

test("where the bus is silent, moving broadcasts are asked for", async () => {
    await show(makeRecord(1, "sending"), makeRecord(2, "done"), makeRecord(3, "draft"));
    // Real milliseconds pass too, so that five silent seconds end at the fifth tick or
    // at the sixth.
    await pass(4);
    expect.verifySteps([]);
    await pass(3);
    expect.verifySteps([1]);
    await pass(6);
    expect.verifySteps([1]);
});

test("where the bus speaks, nobody asks", async () => {
    const send = await show(makeRecord(1, "sending"));
    for (let second = 0; second < 12; second++) {
        send(1);
        await pass(1);
    }
    expect.verifySteps(Array(12).fill(1));
});
