import { registry } from "@web/core/registry";
import { choose, click, edit, leavesOut, pick, press, reaches } from "./steps";

registry.category("web_tour.tours").add("whatsapp_broadcast_choose_audience", {
    steps: () => [
        {
            ...reaches(4),
            content: "The figures are there before anything is saved",
        },
        leavesOut(1, "No phone"),
        {
            ...pick("Lists"),
            content: "Another audience, other figures",
        },
        ...choose("list_ids", "Newsletter"),
        reaches(3),
        ...choose("exclude_list_ids", "Partners"),
        reaches(2),
        leavesOut(1, "On a list that is left out"),
        edit("exclude_days", "7"),
        {
            ...reaches(1),
            content: "Who was written to lately is left out",
        },
        leavesOut(1, "Messaged"),
        press("action_review"),
        click(".oe_stat_button:contains(Left Out)"),
        {
            content: "Those left out are a list, by reason",
            trigger: ".o_group_name:contains(On a list that is left out)",
            run: "click",
        },
        {
            trigger: ".o_data_row:contains(Bob)",
        },
    ],
});

registry.category("web_tour.tours").add("whatsapp_broadcast_filter_audience", {
    steps: () => [
        reaches(2),
        {
            content: "Another rule, other figures",
            trigger: ".o_field_widget[name=audience_domain] .o_tree_editor_condition input:last",
            run: "edit Rome && press Tab",
        },
        reaches(1),
        press("action_review"),
        {
            trigger: ".oe_stat_button:contains(Recipients) .o_stat_value:contains(/^1$/)",
        },
    ],
});
