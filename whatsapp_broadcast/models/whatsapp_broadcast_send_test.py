# One concern, one file: the broadcast in one file would be too long to read.
# pylint: disable=consider-merging-classes-inherited

from odoo import fields, models
from odoo.exceptions import UserError

#: Numbers that one test goes to at most: it is no way around the audience.
TEST_PHONES = 5


class WhatsappBroadcast(models.Model):
    """How a message is tried out, beside the audience and its counters."""

    _inherit = "whatsapp.broadcast"

    test_count = fields.Integer(compute="_compute_test_count")

    def _compute_test_count(self):
        groups = self.env["whatsapp.broadcast.message"]._read_group(
            self._tests(), ["broadcast_id"], ["__count"]
        )
        counts = {broadcast.id: count for broadcast, count in groups}
        for broadcast in self:
            broadcast.test_count = counts.get(broadcast.id, 0)

    def action_send_test(self, phones=None):
        """Send the message to a few numbers at once, whatever the broadcast's state.

        Variables have the values of the first of the audience whom the user may read,
        and the template's examples where there is none.

        :param list phones: up to five numbers; none: the user's own
        :return: a notification of what was queued
        :raise UserError: if the message, or a number, is not right; says what to do
        """
        self.ensure_one()
        self.check_access("write")
        numbers = self._test_numbers(phones)
        self._check_sender()
        self._check_message()
        shared = self._test_values()
        self.env["whatsapp.broadcast.message"].sudo().create(
            [{**shared, **number} for number in numbers]
        )
        self._wake("send")
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "type": "success",
                "message": self.env._(
                    "The test is on its way to %s.",
                    ", ".join(number["phone"] for number in numbers),
                ),
                "next": {"type": "ir.actions.client", "tag": "soft_reload"},
            },
        }

    def action_open_send_test(self):
        """Ask which numbers the test is to go to."""
        self.ensure_one()
        self.check_access("write")
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Send a Test"),
            "res_model": "whatsapp.broadcast.test",
            "view_mode": "form",
            "views": [(False, "form")],
            "target": "new",
            "context": {"default_broadcast_id": self.id},
        }

    def action_open_tests(self):
        """Open the test messages and what became of them."""
        self.ensure_one()
        self.check_access("read")
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "whatsapp_broadcast.whatsapp_broadcast_message_action"
        )
        action["domain"] = self._tests()
        return action

    def _tests(self):
        """Return the domain of tests: what people answer is the broadcast's as well."""
        return [
            ("broadcast_id", "in", self.ids),
            ("direction", "=", "out"),
            ("is_confirmation", "=", False),
        ]

    def _test_numbers(self, phones):
        """Return ``address phone partner_id`` of whom a test goes to, each once."""
        partner = self.env.user.partner_id
        if not phones and not partner.phone:
            raise UserError(
                self.env._(
                    "You have no phone number yet. Enter it in your profile, or name "
                    "the numbers that the test is to go to."
                )
            )
        given = phones or [partner.phone]
        if not isinstance(given, list) or not all(isinstance(p, str) for p in given):
            raise UserError(
                self.env._('Give the numbers as a list of texts: ["+12125550100"].')
            )
        if len(given) > TEST_PHONES:
            raise UserError(
                self.env._("A test goes to %s numbers at most.", TEST_PHONES)
            )
        owner = False if phones else partner.id
        addresses = dict.fromkeys(self._parse_phone(phone) for phone in given)
        return [{"address": a, "phone": a, "partner_id": owner} for a in addresses]

    def _parse_phone(self, phone):
        # Without a country it is one of where the user is, else of the company.
        partner = self.env.user.partner_id
        number = phone.strip() and partner._phone_format(number=phone.strip())
        if not number:
            raise UserError(
                self.env._(
                    "%s is no valid phone number. Write it with + and the country's "
                    "code, as in +12125550100.",
                    phone,
                )
            )
        return number

    def _test_values(self):
        """Return all that a test message says, as it is at this moment."""
        return {
            **self._single_values(),
            "broadcast_id": self.id,
            "variables": self._example_variables(),
        }

    def _single_values(self):
        """Return what a single message of this kind says, but for its variables."""
        media_id = self.media_id or (self._lacks_media() and self._send_media())
        return {
            "direction": "out",
            "user_id": self.env.uid,
            "company_id": self.company_id.id,
            "account_id": self.account_id.id,
            "number_id": self.number_id.id,
            "message_type": self.message_type,
            "template_id": self.template_id.id,
            "lang": self.template_id.language,
            "body": self.body,
            "media_kind": self.media_kind,
            "media_id": media_id,
            "media_link": self.media_link,
            "media_caption": self.media_caption,
            "media_filename": self.media_filename,
            "due_at": self._now(),
        }

    def _example_variables(self):
        """Return ``variables`` for the first of the audience, else with examples."""
        if self.message_type != "template":
            return False
        record = self._first_record()
        examples = [
            variable.sample or variable.display_name
            for variable in self.template_id.variable_ids
        ]
        return self._values(record).example(record, examples)
