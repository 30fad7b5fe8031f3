import { registry } from "@web/core/registry";
import { choose, click, pick, press, reaches } from "./steps";

registry.category("web_tour.tours").add("whatsapp_broadcast_earlier", {
    steps: () => [
        pick("Earlier broadcasts"),
        ...choose("earlier_broadcast_ids", "Spring Offer"),
        pick("Replied"),
        reaches(1),
        pick("Read it, but did not reply"),
        reaches(2),
        press("action_review"),
        click(".oe_stat_button:contains(Recipients)"),
        {
            trigger: ".o_list_view:has(.o_data_row:count(2))",
        },
    ],
});
