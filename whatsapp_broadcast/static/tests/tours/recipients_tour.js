import { patch } from "@web/core/utils/patch";
import { download } from "@web/core/network/download";
import { registry } from "@web/core/registry";
import { click, search } from "./steps";

registry.category("web_tour.tours").add("whatsapp_broadcast_recipients", {
    steps: () => [
        click(".oe_stat_button:contains(Recipients)"),
        ...search("Phone", "2000006"),
        {
            trigger: ".o_list_view:has(.o_data_row:count(1)) .o_data_row:contains(Undeliverable)",
        },
        click(".o_list_view thead .o_list_record_selector input"),
        click(".o_cp_action_menus button:contains(Actions)"),
        click(".o_menu_item:contains(Export)"),
        {
            trigger: ".modal .o_export_field:contains(Phone)",
        },
        {
            trigger: ".modal label:contains(XLSX)",
            run() {
                // The browser of a test keeps no file.
                patch(download, {
                    _download({ url, data }) {
                        const { model, ids } = JSON.parse(data.get?.("data") || data.data);
                        document.body.dataset.exported = `${url} ${model} ${ids.length}`;
                        return Promise.resolve();
                    },
                });
            },
        },
        click(".modal .o_select_button"),
        {
            trigger: "body[data-exported='/web/export/xlsx whatsapp.broadcast.recipient 1']",
        },
    ],
});
