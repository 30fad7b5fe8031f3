import { registry } from "@web/core/registry";
import { click, press } from "./steps";

registry.category("web_tour.tours").add("whatsapp_broadcast_languages", {
    steps: () => [
        click(".o_field_widget[name=in_recipient_language] input"),
        {
            content: "It says which translations are used, and which are not",
            trigger: ".o_field_widget[name=translation_ids] .o_tag:contains(es)",
        },
        {
            trigger: ".o_field_widget[name=unfit_translation_ids] .o_tag:contains(fr)",
        },
        press("action_review"),
        {
            trigger: ".oe_stat_button:contains(Recipients) .o_stat_value:contains(/^2$/)",
        },
    ],
});
