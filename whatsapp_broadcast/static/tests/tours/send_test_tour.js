import { registry } from "@web/core/registry";

registry.category("web_tour.tours").add("whatsapp_broadcast_send_test", {
    steps: () => [
        {
            content: "No test was sent yet",
            trigger: "body:not(:has(button[name=action_open_tests]))",
        },
        {
            trigger: "button[name=action_open_send_test]:enabled",
            run: "click",
        },
        {
            content: "It goes to oneself unless one says otherwise",
            trigger: ".modal .o_field_widget[name=phones] textarea:value(+1 212 555 0100)",
        },
        {
            trigger: ".modal button[name=action_send]",
            run: "click",
        },
        {
            content: "It says where it goes",
            trigger: ".o_notification:contains(+12125550100)",
        },
        {
            trigger: "button[name=action_open_tests]:contains(1)",
            run: "click",
        },
        {
            content: "And what became of it",
            trigger: ".o_data_row:contains(+12125550100) .o_field_badge[name=state]",
            run: "click",
        },
        {
            trigger: ".o_form_view .o_arrow_button_current:contains(Queued)",
        },
    ],
});
