from odoo.tests import tagged

from odoo.addons.whatsapp_broadcast.tests.translations import TranslationsCase


@tagged("post_install", "-at_install")
class TestTranslations(TranslationsCase):
    addon = "whatsapp_broadcast_queue_job"

    def test_every_text_arrives(self):
        self.check_every_text_arrives()
