import { registry } from "@web/core/registry";
import { choose, click, confirm, edit, isState, press } from "./steps";

const tours = registry.category("web_tour.tours");

tours.add("whatsapp_broadcast_test_messages", {
    steps: () => [
        {
            content: "Add a second message",
            trigger: ".o_field_widget[name=variant_ids] .o_field_x2many_list_row_add a",
            run: "click",
        },
        ...choose("template_id", "second").map((step) => ({
            ...step,
            trigger: step.trigger.replace(/^\.o_field/, ".modal .o_field"),
        })),
        click(".modal .o_form_button_save"),
        {
            trigger: "body:not(:has(.modal)) .o_field_widget[name=variant_ids] .o_data_row:contains(second)",
        },
        edit("ab_share", "50"),
        click(".o_field_widget[name=ab_is_manual] input"),
        press("action_open_launch"),
        press("action_launch"),
        isState("Preparing"),
    ],
});

tours.add("whatsapp_broadcast_choose_message", {
    steps: () => [
        {
            content: "What became of each message",
            trigger: "[data-variant=B]:contains(second) td:contains(/^2/)",
        },
        click("[data-variant=B] button:contains(Choose B)"),
        confirm("Send Message B"),
        {
            content: "The rest gets it",
            trigger: "[data-variant=B] .badge:contains(Goes to the rest)",
        },
        {
            trigger: ".o_whatsapp_variants:not(:has(button))",
        },
    ],
});
