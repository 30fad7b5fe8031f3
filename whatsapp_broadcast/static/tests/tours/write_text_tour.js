import { registry } from "@web/core/registry";

const AREA = ".o_field_widget[name=body] textarea";

registry.category("web_tour.tours").add("whatsapp_broadcast_write_text", {
    steps: () => [
        {
            trigger: ".o_field_widget[name=message_type] label:contains(Text)",
            run: "click",
        },
        {
            content: "An address is shown as it will be sent",
            trigger: AREA,
            run: "edit See https://shop.example/offer.",
        },
        {
            trigger: ".o_whatsapp_preview_bubble:contains(/w/…)",
        },
        {
            trigger: ".o_field_widget[name=track_links] input",
            run: "click",
        },
        {
            trigger: ".o_whatsapp_preview_bubble:contains(See https://shop.example/offer.)",
        },
        {
            trigger: AREA,
            run: "edit We are open",
        },
        {
            content: "The preview follows while one writes",
            trigger: ".o_whatsapp_preview_bubble:contains(We are open)",
        },
        {
            trigger: AREA,
            run() {
                this.anchor.setSelectionRange(7, 11);
            },
        },
        {
            trigger: ".o_field_widget[name=body] button[data-mark='*']",
            run: "click",
        },
        {
            trigger: ".o_whatsapp_preview_bubble .fw-bolder:contains(open)",
        },
        {
            trigger: ".o_field_widget[name=body] button[aria-label=Emoji]",
            run: "click",
        },
        {
            trigger: ".o-EmojiPicker .o-Emoji[data-codepoints='😀']",
            run: "click",
        },
        {
            trigger: ".o_whatsapp_preview_bubble:contains(😀)",
        },
        {
            trigger: ".o_whatsapp_length:contains(/ 4096)",
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
