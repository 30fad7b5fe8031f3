import base64
import importlib.util
import json
from pathlib import Path

from odoo.tests import HttpCase, tagged

from .screens import ScreensCommon

#: Parts of a screen that are Odoo's frame around ours.
FRAME = [
    ".o_control_panel",
    ".o_form_statusbar .o_statusbar_status",
    ".o-mail-Form-chatter",
    ".o_calendar_sidebar",
    ".modal-header",
]

#: What is written in the grey, blue and green of Odoo's theme.
LIKE_ODOO = (
    ".o_list_table *, .o_field_badge .badge, .o_pivot *, .fc *,"
    " .o_setting_right_pane > .text-muted *, .o_form_label"
)

#: Odoo's own rendering, where we give no more than the name of a field or a widget:
#: (rules, what they find there).
LEFT_OUT = [
    ("color-contrast", LIKE_ODOO),
    # Lists: columns of boxes, avatars, buttons and settings without a name.
    ("empty-table-header button-name", ".o_list_table th, .o_list_table th button"),
    ("label", ".o_list_table input[type=checkbox], .o_recurrent_weekdays input"),
    ("image-alt", ".o_m2o_avatar img"),
    ("scrollable-region-focusable", ".o_list_renderer, .o_pivot"),
    ("empty-table-header", ".o_pivot th"),
    # Fields.
    ("aria-allowed-attr", ".o_progress, .o_tag, .o-autocomplete--input"),
    ("aria-allowed-attr", ".o-dropdown:has(.o_select_menu_toggler)"),
    ("aria-required-parent", ".o_notebook_headers .nav-link"),
    ("label", ".o_field_percentage input"),
    ("button-name", ".o_clipboard_button, .o_calendar_view .oi-panel-right"),
    ("autocomplete-valid", ".o_select_menu_input"),
    ("label select-name aria-allowed-attr", ".o_tree_editor *"),
    # A card is a link, and its HTML element an article.
    ("aria-allowed-role", "article.o_kanban_record"),
    # Dialogs have their title as text only, and each view is a main landmark.
    ("aria-dialog-name", ".modal"),
    ("landmark-main-is-top-level landmark-unique", "main.o_content"),
    ("landmark-no-duplicate-main", "main.modal-body"),
]


@tagged("post_install", "-at_install")
class TestAccessibility(ScreensCommon, HttpCase):
    """All our screens, looked at with axe as on a desktop and as on a phone."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        package = importlib.util.find_spec("axe_playwright_python")
        if not package:
            raise cls.skipTest(cls, "axe-playwright-python is not installed.")
        rules = Path(package.origin).with_name("axe.min.js").read_bytes()
        cls.axe = cls.env["ir.attachment"].create(
            {
                "name": "axe.js",
                "datas": base64.b64encode(rules),
                "mimetype": "text/javascript",
                "public": True,
            }
        )

    def look_at(self, screens, user, size):
        self.browser_size = size
        options = {
            "axeUrl": f"/web/content/{self.axe.id}",
            "scope": [".o_action_manager", ".modal"],
            "frame": FRAME,
            "leftOut": [
                {"rule": rule, "selector": selector}
                for rules, selector in LEFT_OUT
                for rule in rules.split()
            ],
        }
        self.browser_js(
            "/odoo/whatsapp-broadcasts",
            f"odoo.lookAtScreens({json.dumps(screens)}, {json.dumps(options)})",
            "odoo.isReady && !!odoo.lookAtScreens",
            login=user.login,
            timeout=300,
        )

    def test_user_at_a_desk(self):
        self.look_at(self.user_screens(), self.user, "1366x768")

    def test_user_on_a_phone(self):
        self.look_at(self.user_screens(), self.user, "390x844")

    def test_manager_at_a_desk(self):
        self.look_at(self.manager_screens(), self.manager, "1366x768")

    def test_manager_on_a_phone(self):
        self.look_at(self.manager_screens(), self.manager, "390x844")

    def test_administrator_at_a_desk(self):
        self.look_at(self.administrator_screens(), self.administrator, "1366x768")

    def test_administrator_on_a_phone(self):
        self.look_at(self.administrator_screens(), self.administrator, "390x844")
