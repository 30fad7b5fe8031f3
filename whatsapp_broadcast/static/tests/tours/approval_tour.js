import { registry } from "@web/core/registry";

const tours = registry.category("web_tour.tours");

tours.add("whatsapp_broadcast_ask_approval", {
    steps: () => [
        {
            trigger: "button[name=action_open_launch]:enabled",
            run: "click",
        },
        {
            content: "The page says who, how much and when",
            trigger: ".modal .o_field_widget[name=cost_summary] tr:contains(United States)",
        },
        {
            content: "The provider cannot be asked: that is said, and is no end",
            trigger: ".modal .o_whatsapp_health:contains(could not be asked)",
        },
        {
            trigger: ".modal .o_field_widget[name=question]:contains(approve 3 people)",
        },
        {
            trigger: ".modal button[name=action_launch]:contains(Ask for Approval)",
            run: "click",
        },
        {
            trigger: "body:not(:has(.modal)) .o_arrow_button_current:contains(To Approve)",
        },
        {
            content: "It waits for somebody else, and may be taken back",
            trigger: "body:not(:has(button[name=action_approve])) .alert:contains(Waits for approval)",
        },
        {
            trigger: "button[name=action_back_to_draft]:enabled",
        },
    ],
});

tours.add("whatsapp_broadcast_refuse_and_approve", {
    steps: () => [
        {
            content: "The manager sees what it is about",
            trigger: ".alert:contains(Waits for approval):contains(3 people)",
        },
        {
            content: "A refusal needs a reason",
            trigger: "button[name=action_open_refusal]",
            run: "click",
        },
        {
            trigger: ".modal .o_field_widget[name=reason]",
        },
        {
            trigger: ".modal button:contains(Discard)",
            run: "click",
        },
        {
            trigger: "body:not(:has(.modal)) button[name=action_approve]",
            run: "click",
        },
        {
            trigger: ".o_arrow_button_current:contains(Preparing)",
        },
    ],
});
