import { registry } from "@web/core/registry";

const ROWS = `phone;name;city
+12122000001;Ann;Lima
nonsense;Bob;Rome
212 200 0001;Cid;Oslo
+12122000002;Dan;Bonn`;

registry.category("web_tour.tours").add("whatsapp_broadcast_paste_numbers", {
    steps: () => [
        {
            content: "Write to pasted numbers",
            trigger: ".o_field_widget[name=audience_type] label:contains(Pasted or uploaded)",
            run: "click",
        },
        {
            trigger: "button[name=action_open_paste]",
            run: "click",
        },
        {
            trigger: ".modal .o_field_widget[name=text] textarea",
            run() {
                // The helper "edit" takes one line only.
                this.anchor.value = ROWS;
                this.anchor.dispatchEvent(new Event("input", { bubbles: true }));
                this.anchor.dispatchEvent(new Event("change", { bubbles: true }));
            },
        },
        {
            trigger: ".modal button[name=action_read]:enabled",
            run: "click",
        },
        {
            content: "The columns are guessed, with examples",
            trigger: ".modal .o_data_row:contains(city):contains(Lima · Rome · Oslo)",
        },
        {
            trigger: ".modal button[name=action_check]:enabled",
            run: "click",
        },
        {
            content: "Rows with a problem come first",
            trigger:
                ".modal .o_data_row:first:contains(nonsense):contains(Not a valid phone number)",
        },
        {
            trigger: ".modal .o_data_row:contains(Cid):contains(The number is in an earlier row)",
        },
        {
            trigger: ".modal button[name=action_take]:enabled",
            run: "click",
        },
        {
            trigger:
                "body:not(:has(.modal)) button[name=action_open_custom_rows]:contains(Rows: 4)",
        },
        {
            content: "Remove what cannot be written to",
            trigger: "button[name=action_remove_invalid_rows]",
            run: "click",
        },
        {
            trigger: ".modal .modal-footer .btn-primary",
            run: "click",
        },
        {
            trigger:
                "body:not(:has(.modal)) button[name=action_open_custom_rows]:contains(Rows: 2)",
        },
        {
            content: "All rows, to correct them",
            trigger: "button[name=action_open_custom_rows]",
            run: "click",
        },
        {
            trigger: ".o_list_view .o_data_row:contains(Dan):contains(city: Bonn)",
        },
    ],
});
