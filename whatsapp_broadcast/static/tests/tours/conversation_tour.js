import { registry } from "@web/core/registry";

registry.category("web_tour.tours").add("whatsapp_broadcast_conversation", {
    steps: () => [
        {
            content: "The lead says that something new came in",
            trigger: "button[name=action_whatsapp_conversation]:contains(new)",
            run: "click",
        },
        {
            content: "The broadcast's message, with this person's name",
            trigger: ".o_whatsapp_out .o_whatsapp_text:contains(Dear Ann, May 5 only)",
        },
        {
            content: "What the person wrote is text, whatever it looks like",
            trigger: ".o_whatsapp_in .o_whatsapp_text:contains(<b>Which</b> roses?)",
        },
        {
            content: "The window is open",
            trigger: ".o_whatsapp_window:contains(left to answer freely)",
        },
        {
            trigger: ".o_whatsapp_in .o_whatsapp_quote_button",
            run: "click",
        },
        {
            trigger: ".o_whatsapp_composer .o_whatsapp_quote:contains(Which)",
        },
        {
            trigger: ".o_whatsapp_input",
            run: "edit The *red* ones && press Enter",
        },
        {
            content: "The answer waits to be sent, with what it answers",
            trigger:
                ".o_whatsapp_out[data-state=queued]:has(.o_whatsapp_quote:contains(Which))",
        },
        {
            trigger: ".o_whatsapp_out[data-state=queued] .fw-bolder:contains(red)",
        },
        {
            content: "Back on the lead nothing is new",
            trigger: ".o_breadcrumb a:contains(Roses), .o_back_button",
            run: "click",
        },
        {
            trigger: "button[name=action_whatsapp_conversation]:not(:contains(new))",
        },
        {
            content: "Beside the phone it opens over the form",
            trigger: ".o_whatsapp_phone_button",
            run: "click",
        },
        {
            trigger: ".modal .o_whatsapp_use_template",
            run: "click",
        },
        {
            trigger: ".modal select.o_whatsapp_template",
            run: "selectByLabel offer (en_US)",
        },
        {
            content: "It cannot go out before all is said",
            trigger: ".modal .o_whatsapp_send:disabled",
        },
        {
            trigger: ".modal input[data-variable='body.2']",
            run: "edit May 6",
        },
        {
            content: "The preview says what they get",
            trigger: ".modal .o_whatsapp_template_preview:contains(Dear Ann, May 6 only)",
        },
        {
            trigger: ".modal .o_whatsapp_send:enabled",
            run: "click",
        },
        {
            trigger: ".modal .o_whatsapp_out .o_whatsapp_text:contains(May 6)",
        },
    ],
});
