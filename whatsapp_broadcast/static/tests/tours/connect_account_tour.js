import { registry } from "@web/core/registry";

const enter = (name, value) => ({
    trigger: `.o_field_widget[name=${name}] input`,
    run: `edit ${value}`,
});

registry.category("web_tour.tours").add("whatsapp_broadcast_connect_account", {
    steps: () => [
        {
            trigger: ".o_list_button_add",
            run: "click",
        },
        {
            trigger: ".alert:contains(Not connected)",
        },
        enter("name", "Garden Supplies"),
        enter("app_id", "700000000000001"),
        enter("business_account_id", "100000000000001"),
        enter("access_token", "sandbox-token"),
        enter("app_secret", "sandbox-app-secret"),
        {
            trigger: "button[name=action_connect]:enabled",
            run: "click",
        },
        {
            trigger: ".o_arrow_button_current:contains(Sends, but hears nothing)",
        },
        {
            content: "The secrets are set and not shown",
            trigger: ".o_group:contains(Access Token) .badge:contains(Is set)",
            run() {
                for (const name of ["access_token", "app_secret"]) {
                    const input = document.querySelector(
                        `.o_field_widget[name=${name}] input`
                    );
                    if (input.value || input.type !== "password") {
                        throw new Error(`${name} is shown`);
                    }
                }
            },
        },
        {
            content: "The checklist says what is left to do",
            trigger: ".o_field_widget[name=checklist]:contains(Make this Odoo reachable)",
        },
        {
            trigger: "button[name=action_make_verify_token]:enabled",
            run: "click",
        },
        {
            content: "The verify token is shown once",
            trigger: ".o_notification:contains(shown only this once) .o_notification_close",
            run: "click",
        },
        {
            content: "The form was loaded again, which opens its first page",
            trigger: "button[name=action_make_verify_token]:contains(Make a New One)",
        },
        {
            trigger: ".o_notebook a[name=numbers]",
            run: "click",
        },
        {
            content: "Register the number that is not registered",
            trigger: ".o_data_row:contains(Garden Service) button:contains(Register)",
            run: "click",
        },
        {
            trigger: ".modal .o_field_widget[name=pin] input[type=password]",
            run: "edit 123456",
        },
        {
            trigger: ".modal button[name=action_register]",
            run: "click",
        },
        {
            trigger:
                "body:not(:has(.modal)) .o_data_row:contains(Garden Service) .o_field_badge:contains(Connected)",
        },
        {
            trigger: ".oe_stat_button:contains(Templates)",
            run: "click",
        },
        {
            trigger: ".o_data_row:contains(spring_offer):contains(Approved)",
        },
    ],
});
