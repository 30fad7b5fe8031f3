import { registry } from "@web/core/registry";
import { click, menu, leavesOut } from "./steps";

const tours = registry.category("web_tour.tours");

tours.add("whatsapp_broadcast_add_country", {
    steps: () => [
        {
            content: "What the list is for",
            trigger: ".o_nocontent_help:contains(its people are left out)",
        },
        click(".o_list_button_add"),
        {
            trigger: ".o_selected_row [name=country_id] input",
            run: "edit United States",
        },
        click(".o-autocomplete--dropdown-item > a:contains(/^United States$/)"),
        click(".o_list_button_save"),
        {
            trigger: ".o_list_view:not(:has(.o_selected_row)) .o_data_row:contains(United States)",
        },
    ],
});

tours.add("whatsapp_broadcast_country_left_out", {
    steps: () => [
        leavesOut(2, "WhatsApp does not deliver"),
        ...menu("Reporting", "Daily Totals"),
        {
            content: "A day's sums, which stay when broadcasts go",
            trigger: ".o_list_view .o_data_row td[name=read_count]:contains(/^3$/)",
        },
    ],
});
