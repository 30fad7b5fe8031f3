import { describe, expect, test } from "@odoo/hoot";

import { measurePace } from "@whatsapp_broadcast/progress/pace";

describe.current.tags("headless");

test("the pace is what was settled between the first look and the last", () => {
    expect(measurePace([{ at: 0, settled: 10 }])).toBe(null);
    const samples = [
        { at: 0, settled: 10 },
        { at: 5000, settled: 20 },
        { at: 30000, settled: 110 },
    ];
    expect(measurePace(samples)).toBe(200);
});

test("rows that wait for another try are no negative pace", () => {
    const samples = [
        { at: 0, settled: 10 },
        { at: 60000, settled: 4 },
    ];
    expect(measurePace(samples)).toBe(0);
});
