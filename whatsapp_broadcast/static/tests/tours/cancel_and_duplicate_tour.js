import { registry } from "@web/core/registry";
import { confirm, isState, press, reaches } from "./steps";

registry.category("web_tour.tours").add("whatsapp_broadcast_cancel_and_duplicate", {
    steps: () => [
        press("action_pause"),
        isState("Paused"),
        press("action_resume"),
        isState("Sending"),
        {
            content: "Somebody has got it: no way back to draft",
            trigger: "body:not(:has(button[name=action_back_to_draft]))",
        },
        press("action_cancel"),
        confirm("Cancel the Broadcast"),
        isState("Cancelled"),
        press("action_duplicate_for_unreached"),
        confirm("Make the Draft"),
        isState("Draft"),
        {
            ...reaches(2),
            content: "Those who surely got nothing, and not whose message is unknown",
        },
    ],
});
