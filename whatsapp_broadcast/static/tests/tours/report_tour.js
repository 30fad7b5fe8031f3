import { registry } from "@web/core/registry";

/** Leaves the list behind a figure for the form again. */
const BACK = {
    trigger: ".o_breadcrumb .o_back_button, .breadcrumb-item a:last",
    run: "click",
};

registry.category("web_tour.tours").add("whatsapp_broadcast_report", {
    steps: () => [
        {
            content: "A figure of the funnel opens who is behind it",
            trigger: ".o_whatsapp_progress [data-counter=read_count] button:contains(3)",
            run: "click",
        },
        {
            trigger: ".o_facet_value:contains(Read)",
        },
        {
            trigger: ".o_list_view:has(.o_data_row:count(3))",
        },
        BACK,
        {
            content: "Each reason says what to do",
            trigger: "[data-failure=undeliverable]:contains(Check the number)",
        },
        {
            content: "What may be sent again is marked",
            trigger: "[data-failure=retry] .badge:contains(Retry Failed)",
        },
        {
            content: "Codes are counted for who asks",
            trigger: ".o_whatsapp_failures details > summary",
            run: "click",
        },
        {
            trigger: ".o_whatsapp_failures table tr:contains(131057)",
        },
        {
            content: "A reason opens whom it is about",
            trigger: "[data-failure=retry] button",
            run: "click",
        },
        {
            trigger: ".o_facet_value:contains(Fault at the provider)",
        },
        {
            trigger: ".o_data_row .o_field_badge[name=state]:contains(Failed)",
        },
        {
            content: "The analysis counts the same",
            trigger: ".o_menu_sections button:contains(Reporting)",
            run: "click",
        },
        {
            trigger: ".o-dropdown-item:contains(Analysis)",
            run: "click",
        },
        {
            trigger: ".o_pivot tr:contains(Spring Offer) .o_pivot_cell_value:contains(37.5)",
        },
        {
            content: "A cell opens its messages, and a row its recipient",
            trigger: ".o_pivot tr:contains(Spring Offer) .o_pivot_cell_value:first",
            run: "click",
        },
        {
            trigger: ".o_list_view .o_data_row:first .o_data_cell:first",
            run: "click",
        },
        {
            trigger: ".o_form_view .o_field_widget[name=phone]",
        },
        {
            trigger: ".o_menu_sections button:contains(Reporting)",
            run: "click",
        },
        {
            trigger: ".o-dropdown-item:contains(Dashboard)",
            run: "click",
        },
        {
            trigger: "[data-card=read_count]:contains(37.5%)",
        },
        {
            content: "The chart is drawn",
            trigger: ".o_whatsapp_chart canvas",
        },
        {
            trigger: ".o_whatsapp_top button:contains(Spring Offer)",
        },
        {
            content: "A shorter period still has it: it was sent yesterday",
            trigger: ".o_whatsapp_dashboard select.o_whatsapp_period",
            run: "select 7",
        },
        {
            trigger: "[data-failure=undeliverable] button",
            run: "click",
        },
        {
            content: "A reason opens its messages",
            trigger: ".o_list_view .o_data_row:contains(Undeliverable)",
        },
    ],
});

registry.category("web_tour.tours").add("whatsapp_broadcast_report_empty", {
    steps: () => [
        {
            content: "The dashboard teaches what it will show",
            trigger: ".o_whatsapp_dashboard_empty:contains(When a broadcast runs)",
        },
        {
            trigger: ".o_whatsapp_dashboard_empty button:contains(Go to Broadcasts)",
            run: "click",
        },
        {
            trigger: ".o_nocontent_help:contains(Write to many people)",
        },
    ],
});
