import { registry } from "@web/core/registry";
import { click, menu, press, search } from "./steps";

const tours = registry.category("web_tour.tours");

tours.add("whatsapp_broadcast_change_rate", {
    steps: () => [
        ...search("Market", "North America"),
        click(".o_list_view:has(.o_data_row:count(4)) .o_data_row:contains(Utility) td[name=price]"),
        {
            trigger: ".o_selected_row .o_field_widget[name=price] input",
            run: "edit 0.25 && press Tab",
        },
        click(".o_list_button_save"),
        {
            trigger: ".o_data_row:contains(Utility) td[name=price]:contains(0.25)",
        },
    ],
});

tours.add("whatsapp_broadcast_cost", {
    steps: () => [
        press("action_open_launch"),
        {
            content: "Each country has its price",
            trigger: ".modal .o_field_widget[name=cost_summary] tr:contains(United States):contains(0.25)",
        },
        {
            trigger: ".modal .o_field_widget[name=cost]:contains(0.50)",
        },
        {
            content: "The question has the sum",
            trigger: ".modal .o_field_widget[name=question]:contains(0.50)",
        },
        {
            content: "Escape is a No",
            trigger: ".modal",
            run: "press Escape",
        },
        {
            trigger: "body:not(:has(.modal))",
        },
        ...menu("Reporting", "Costs"),
        {
            trigger: ".o_view_controller:contains(Costs), .o_breadcrumb:contains(Costs)",
        },
    ],
});
