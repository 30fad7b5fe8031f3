import { registry } from "@web/core/registry";
import { isState, press } from "./steps";

registry.category("web_tour.tours").add("whatsapp_broadcast_retry", {
    steps: () => [
        {
            content: "It says what may be sent again",
            trigger: "[data-failure=retry] .badge:contains(Retry Failed)",
        },
        press("action_retry_failed"),
        isState("Sending"),
        {
            content: "What is no use stays failed",
            trigger: ".o_whatsapp_failures:not(:has([data-failure=retry])) [data-failure=undeliverable]",
        },
        {
            trigger: "[data-counter=queued_count] .o_whatsapp_count:contains(/^1$/)",
        },
    ],
});
