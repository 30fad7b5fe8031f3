import { registry } from "@web/core/registry";

registry.category("web_tour.tours").add("whatsapp_broadcast_send_from_leads", {
    steps: () => [
        {
            content: "Select all leads",
            trigger: ".o_list_view thead .o_list_record_selector input",
            run: "click",
        },
        {
            trigger: ".o_control_panel button:contains(WhatsApp)",
            run: "click",
        },
        {
            content: "The selected leads are the audience",
            trigger: ".o_field_widget[name=lead_ids] .o_data_row:contains(Ann)",
        },
        {
            trigger: ".o_field_widget[name=name] input",
            run: "edit Spring Offer",
        },
        {
            content: "Choose the number",
            trigger: ".o_field_widget[name=number_id] input",
            run: "edit Shop",
        },
        {
            trigger: ".o-autocomplete--dropdown-item > a:contains(Shop)",
            run: "click",
        },
        {
            content: "Choose the template",
            trigger: ".o_field_widget[name=template_id] input",
            run: "edit spring_offer",
        },
        {
            trigger: ".o-autocomplete--dropdown-item > a:contains(spring_offer)",
            run: "click",
        },
        {
            content: "The preview shows the template",
            trigger: ".o_whatsapp_preview_bubble:contains(until)",
        },
        {
            content: "A variable without a value is marked",
            trigger: "[data-variable='body.1'] .badge:contains(No value yet)",
        },
        {
            trigger: "[data-variable='body.1'] select",
            run: "selectByLabel Fixed text",
        },
        {
            trigger: "[data-variable='body.1'] input[aria-label=Text]",
            run: "edit May 5 && press Tab",
        },
        {
            content: "The preview shows the value",
            trigger: ".o_whatsapp_preview_variable:contains(May 5)",
        },
        {
            content: "Review",
            trigger: "button[name=action_review]:enabled",
            run: "click",
        },
        {
            content: "One lead has no phone",
            trigger: ".oe_stat_button:contains(Left Out) .o_stat_value:contains(1)",
        },
        {
            trigger: "button[name=action_open_launch]:enabled",
            run: "click",
        },
        {
            content: "The wizard names who is left out and why",
            trigger: ".modal .o_field_widget[name=skipped_summary]:contains(No phone number):contains(Cid)",
        },
        {
            content: "It shows the message, and what the provider says of the number",
            trigger: ".modal .o_whatsapp_preview_bubble:contains(May 5)",
        },
        {
            trigger: ".modal .o_whatsapp_health dd:contains(Approved)",
        },
        {
            content: "It asks once, with the numbers",
            trigger: ".modal .o_field_widget[name=question]:contains(Write to 2 people)",
        },
        {
            trigger: ".modal button[name=action_launch]:contains(Launch to 2 people)",
            run: "click",
        },
        {
            trigger: "body:not(:has(.modal)) .o_arrow_button_current:contains(Preparing)",
        },
    ],
});
