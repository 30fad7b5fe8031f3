import { registry } from "@web/core/registry";
import { click, isState, press } from "./steps";

const tours = registry.category("web_tour.tours");

tours.add("whatsapp_broadcast_schedule", {
    steps: () => [
        press("action_open_launch"),
        click(".modal button[name=action_launch]:contains(Schedule for 2 people)"),
        isState("Scheduled"),
        click(".o_menu_sections [data-menu-xmlid='whatsapp_broadcast.whatsapp_broadcast_menu']"),
        click(".o_cp_switch_buttons .o_calendar"),
        {
            content: "It stands in the calendar",
            trigger: ".o_calendar_view .fc-event:contains(Spring Offer)",
            run: "click",
        },
        click(".o_cw_popover .o_cw_popover_edit, .o_cw_popover a:contains(View)"),
        {
            ...press("action_back_to_draft"),
            content: "It can be undone: nobody was written to",
        },
        isState("Draft"),
        {
            content: "The audience is released",
            trigger: "body:not(:has(.oe_stat_button:contains(Left Out)))",
        },
    ],
});
