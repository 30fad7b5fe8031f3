import { registry } from "@web/core/registry";

const SECOND = "[data-variable='body.2']";

registry.category("web_tour.tours").add("whatsapp_broadcast_message_preview", {
    steps: () => [
        {
            content: "Choose the template",
            trigger: ".o_field_widget[name=template_id] input",
            run: "edit greeting",
        },
        {
            trigger: ".o-autocomplete--dropdown-item > a:contains(greeting)",
            run: "click",
        },
        {
            content: "The first person of the audience, and what the message says to her",
            trigger: ".o_whatsapp_person:contains(Ann):contains(1 of 4)",
        },
        {
            trigger: ".o_whatsapp_preview_variable:contains(Rome)",
        },
        {
            content: "It is written from right to left",
            trigger: ".o_whatsapp_preview_bubble[dir=rtl]",
        },
        {
            trigger: ".o_whatsapp_previous:disabled",
        },
        {
            trigger: ".o_whatsapp_next",
            run: "click",
        },
        {
            content: "Who has no value is said to be left out",
            trigger: ".o_whatsapp_problems [data-variable='body.2']:contains(No value)",
        },
        {
            content: "The keyboard steps as well",
            trigger: ".o_whatsapp_people:contains(Bob)",
            run: "press ArrowRight",
        },
        {
            trigger: ".o_whatsapp_problems:contains(line break)",
        },
        {
            content: "Only those with a problem",
            trigger: ".o_whatsapp_person:contains(Cid):contains(3 of 4)",
        },
        {
            trigger: ".o_whatsapp_only_problems",
            run: "click",
        },
        {
            trigger: ".o_whatsapp_person:contains(Bob):contains(1 of 2)",
        },
        {
            content: "Override the variable for this broadcast",
            trigger: `.o_whatsapp_variable${SECOND} .o_whatsapp_source`,
            run: "selectByLabel Fixed text",
        },
        {
            trigger: `.o_whatsapp_variable${SECOND} input[aria-label=Text]`,
            run: "edit Paradise && press Tab",
        },
        {
            content: "Nobody has a problem any more",
            trigger: ".o_whatsapp_people:contains(Nobody has a value that is refused)",
        },
        {
            trigger: ".o_whatsapp_only_problems",
            run: "click",
        },
        {
            trigger: ".o_whatsapp_person:contains(Ann)",
        },
        {
            trigger: ".o_whatsapp_preview_variable:contains(Paradise)",
        },
        {
            content: "And back to what the template says",
            trigger: `.o_whatsapp_variable${SECOND} .o_whatsapp_reset`,
            run: "click",
        },
        {
            trigger: ".o_whatsapp_preview_variable:contains(Rome)",
        },
        {
            trigger: `.o_whatsapp_variable${SECOND} .o_whatsapp_source`,
            run: "selectByLabel Sender",
        },
        {
            content: "The sender's name",
            trigger: ".o_whatsapp_preview_variable:contains(wb_salesperson)",
        },
        {
            content: "A dark preview",
            trigger: ".o_whatsapp_theme",
            run: "click",
        },
        {
            trigger: ".o_whatsapp_preview_wall[data-theme=dark]",
        },
        {
            trigger: ".o_form_button_save",
            run: "click",
        },
        {
            trigger: ".o_form_saved, .o_form_status_indicator_buttons.invisible",
        },
    ],
});
