from odoo.tests import tagged

from .translations import TranslationsCase


@tagged("post_install", "-at_install")
class TestTranslations(TranslationsCase):
    addon = "whatsapp_broadcast"

    def test_every_text_arrives(self):
        self.check_every_text_arrives()
