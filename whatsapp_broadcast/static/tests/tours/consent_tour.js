import { registry } from "@web/core/registry";
import { click } from "./steps";

const tours = registry.category("web_tour.tours");

tours.add("whatsapp_broadcast_record_consent", {
    steps: () => [
        click("button[name=action_whatsapp_consent]"),
        click(".modal label:contains(Wants no more messages)"),
        {
            trigger: ".modal .o_field_widget[name=evidence] input",
            run: "edit A call",
        },
        click(".modal button[name=action_record]"),
        {
            content: "The lead says so",
            trigger: "body:not(:has(.modal)) .alert button[name=action_whatsapp_consents]",
            run: "click",
        },
        {
            content: "What was said is logged",
            trigger: ".o_data_row:contains(A call), .o_data_row:contains(wb_)",
        },
    ],
});
