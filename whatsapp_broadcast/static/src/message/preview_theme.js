import { reactive, useState } from "@odoo/owl";
import { browser } from "@web/core/browser/browser";
import { cookie } from "@web/core/browser/cookie";

const KEY = "whatsapp_broadcast.preview_is_dark";

const theme = reactive({
    isDark: JSON.parse(
        browser.localStorage.getItem(KEY) ?? String(cookie.get("color_scheme") === "dark")
    ),
    toggle() {
        theme.isDark = !theme.isDark;
        browser.localStorage.setItem(KEY, JSON.stringify(theme.isDark));
    },
});

/** Whether previews are dark, as this browser's user chose it last. */
export function usePreviewTheme() {
    return useState(theme);
}
