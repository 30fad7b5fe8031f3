import { registry } from "@web/core/registry";

const counter = (name, value) =>
    `.o_whatsapp_progress [data-counter=${name}_count] .o_whatsapp_count:contains(/^${value}$/)`;

registry.category("web_tour.tours").add("whatsapp_broadcast_watch", {
    steps: () => [
        {
            content: "Nothing was sent yet",
            trigger: counter("queued", 4),
            run() {
                document.body.dataset.whatsappTour = "same page";
            },
        },
        {
            content: "The counters change by themselves, in the same page",
            trigger: `body[data-whatsapp-tour] ${counter("delivered", 3)}`,
        },
        {
            trigger: ".o_whatsapp_progress_percent:contains(75%)",
        },
        {
            trigger: "button[name=action_pause]:enabled",
            run: "click",
        },
        {
            trigger: ".o_arrow_button_current:contains(Paused)",
        },
        {
            content: "It says who paused it and how to go on",
            trigger: ".alert:contains(Paused by a person)",
        },
        {
            trigger: "button[name=action_resume]:enabled",
            run: "click",
        },
        {
            trigger: ".o_arrow_button_current:contains(Sending)",
        },
        {
            content: "Show who is still waiting",
            trigger: ".oe_stat_button:contains(Delivered)",
            run: "click",
        },
        {
            trigger: ".o_data_row .o_field_badge[name=state]:contains(Delivered)",
        },
    ],
});
