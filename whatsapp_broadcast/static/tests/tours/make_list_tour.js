import { registry } from "@web/core/registry";

registry.category("web_tour.tours").add("whatsapp_broadcast_make_list", {
    steps: () => [
        {
            content: "Select all leads",
            trigger: ".o_list_view thead .o_list_record_selector input",
            run: "click",
        },
        {
            trigger: ".o_cp_action_menus button:contains(Actions)",
            run: "click",
        },
        {
            trigger: ".o_menu_item:contains(Add to WhatsApp List)",
            run: "click",
        },
        {
            trigger: ".modal label:contains(A new list)",
            run: "click",
        },
        {
            trigger: ".modal .o_field_widget[name=name] input",
            run: "edit Fair",
        },
        {
            trigger: ".modal button[name=action_add]:enabled",
            run: "click",
        },
        {
            trigger: ".o_notification:contains(Fair):contains(2 added)",
        },
        {
            trigger: "body:not(:has(.modal)) .o_navbar_apps_menu button",
            run: "click",
        },
        {
            trigger: ".o_app:contains(WhatsApp)",
            run: "click",
        },
        {
            trigger: ".o_menu_sections [data-menu-xmlid='whatsapp_broadcast.whatsapp_broadcast_list_menu']",
            run: "click",
        },
        {
            content: "The list and its count",
            trigger: ".o_kanban_record:contains(Fair):contains(Subscribers: 2)",
            run: "click",
        },
        {
            trigger: "button[name=action_open_members].oe_stat_button",
            run: "click",
        },
        {
            content: "Somebody leaves",
            trigger: ".o_data_row:contains(Ann) button[name=action_unsubscribe]",
            run: "click",
        },
        {
            trigger: ".o_list_view:not(:has(.o_data_row:contains(Ann)))",
        },
        {
            trigger: ".breadcrumb-item a:contains(Fair), .o_back_button",
            run: "click",
        },
        {
            trigger: "button[name=action_open_members].oe_stat_button:contains(1)",
        },
        {
            trigger: "button[name=action_new_broadcast]",
            run: "click",
        },
        {
            content: "The list is the audience",
            trigger: ".o_field_widget[name=list_ids] .o_tag:contains(Fair)",
        },
    ],
});
