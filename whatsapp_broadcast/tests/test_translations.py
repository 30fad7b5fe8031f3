import json
from pathlib import Path

from odoo.tests import HttpCase, tagged
from odoo.tools.misc import file_path

from .common import BroadcastCommon
from .translations import TranslationsCase

BUTTON = "button[name=action_open_launch]"
STATUS = ".o_statusbar_status .o_arrow_button_current"
FIGURES = ".o_whatsapp_audience_figures .o_whatsapp_found"


@tagged("post_install", "-at_install")
class TestTranslations(TranslationsCase):
    addon = "whatsapp_broadcast"

    def test_every_text_arrives(self):
        self.check_every_text_arrives()


@tagged("post_install", "-at_install")
class TestScreenInSpanish(BroadcastCommon, TranslationsCase, HttpCase):
    addon = "whatsapp_broadcast"

    def test_a_form_shows_view_state_and_figures(self):
        self.user.lang = self.load(Path(file_path(f"{self.addon}/i18n/es.po")))
        broadcast = self.make_broadcast(self.make_leads(1))
        parts = [BUTTON, STATUS, FIGURES]
        self.browser_js(
            f"/odoo/whatsapp-broadcasts/{broadcast.id}",
            f"""
                const shown = {json.dumps(parts)}.map((part) =>
                    document.querySelector(part).innerText.trim()
                );
                if (String(shown) === "Lanzar,Borrador,1 encontrados") {{
                    console.log("test successful");
                }} else {{
                    console.error(`shown: ${{shown}}`);
                }}
            """,
            f"{json.dumps(parts)}.every((part) => document.querySelector(part))",
            login=self.user.login,
        )
