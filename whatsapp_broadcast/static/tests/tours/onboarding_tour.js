import { registry } from "@web/core/registry";

const STEP = (name) => `.o_whatsapp_onboarding [data-step=${name}]`;

registry.category("web_tour.tours").add("whatsapp_broadcast_onboarding", {
    steps: () => [
        {
            content: "What is there is done already",
            trigger: `${STEP("connect")}[data-done='1']`,
        },
        {
            trigger: `${STEP("sync")}[data-done='1']`,
        },
        {
            content: "Only a manager closes the steps for the company",
            trigger: ".o_whatsapp_onboarding:not(:has(.o_whatsapp_onboarding_close))",
        },
        {
            content: "Say where to write to",
            trigger: `${STEP("first")}[data-done='0'] input[name=phone]`,
            run: "edit (212) 200-0007",
        },
        {
            trigger: `${STEP("first")} button:contains(Write to Myself)`,
            run: "click",
        },
        {
            content: "The draft is there, with its message and its one person",
            trigger: ".o_form_view .o_field_widget[name=template_id] input:value(news)",
        },
        {
            trigger: ".o_whatsapp_person:contains(1 of 1)",
        },
        {
            content: "Back, the phone is known",
            trigger: ".o_back_button a, .breadcrumb-item a",
            run: "click",
        },
        {
            trigger: `${STEP("first")}:contains(+12122000007):not(:has(input))`,
        },
    ],
});

registry.category("web_tour.tours").add("whatsapp_broadcast_onboarding_close", {
    steps: () => [
        {
            trigger: ".o_whatsapp_onboarding_close",
            run: "click",
        },
        {
            content: "It says how they come back",
            trigger: ".o_notification:contains(Configuration / First Steps)",
        },
        {
            trigger: ".o_list_view:not(:has(.o_whatsapp_onboarding))",
        },
        {
            content: "They come back",
            trigger: "button[data-menu-xmlid='whatsapp_broadcast.whatsapp_broadcast_menu_configuration']",
            run: "click",
        },
        {
            trigger: "[data-menu-xmlid='whatsapp_broadcast.whatsapp_broadcast_onboarding_menu']",
            run: "click",
        },
        {
            trigger: ".o_whatsapp_onboarding",
        },
    ],
});
