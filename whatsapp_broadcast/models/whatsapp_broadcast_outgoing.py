from odoo import api, fields, models

from .loose_many2one import LooseMany2one

STATES = [
    ("queued", "Queued"),
    ("sending", "Sending"),
    ("accepted", "Accepted"),
    ("held", "Held by provider"),
    ("sent", "Sent"),
    ("delivered", "Delivered"),
    ("read", "Read"),
    ("failed", "Failed"),
    ("skipped", "Left out"),
    ("cancelled", "Cancelled"),
    ("unknown", "Unknown"),
]

SKIP_REASONS = [
    ("no_phone", "No phone number"),
    ("bad_phone", "Phone number not valid"),
    ("duplicate", "Same number as another recipient"),
    ("opted_out", "Opted out"),
    ("no_consent", "No consent to marketing"),
    ("no_access", "No right to read it"),
    ("variable_missing", "A variable has no value"),
    ("too_long", "The text is too long with its values"),
    ("outside_window", "No reply in the last 24 hours"),
    ("lead_closed", "Won, lost or archived"),
    ("already_messaged", "Got an earlier run of the series"),
    ("excluded", "On a list that is left out"),
    ("recently_messaged", "Messaged in the last days"),
    ("frequency_cap", "Got enough marketing lately"),
    ("marketing_limit", "WhatsApp gave them no marketing in the last day"),
    ("country", "WhatsApp does not deliver this to the country"),
    ("country_guessed", "The number names no country"),
]

#: What an error is about, and why the engine itself gave up.
ERROR_CLASSES = [
    ("retry", "Fault at the provider"),
    ("throttle", "Number too fast"),
    ("pair", "Too many messages to one person"),
    ("later", "WhatsApp's limit of marketing to a person"),
    ("recipient", "Person cannot get it"),
    ("undeliverable", "Undeliverable"),
    ("opt_out", "Stopped marketing messages"),
    ("request", "Message refused as wrong"),
    ("template", "Template"),
    ("number", "Sending number"),
    ("account", "Account"),
    ("credentials", "Access token"),
    ("doubt", "No clear answer"),
    ("daily_limit", "Limit of people a day"),
    ("restored", "Database restored or copied"),
]


class WhatsappBroadcastOutgoing(models.AbstractModel):
    """The columns that the engine works on: one message to one person.

    ``state`` is in no index. What may be claimed is ``due_at``; a row that is being
    sent has ``lease_until``. Status times are in no index either, so that updates by
    webhook stay heap-only.
    """

    _name = "whatsapp.broadcast.outgoing"
    _description = "Outgoing WhatsApp Message"
    _log_access = False

    company_id = LooseMany2one("res.company", readonly=True)
    account_id = LooseMany2one("whatsapp.broadcast.account", readonly=True)
    number_id = LooseMany2one("whatsapp.broadcast.number", readonly=True)
    template_id = LooseMany2one("whatsapp.broadcast.template", readonly=True)
    address = fields.Char(readonly=True, help="E.164 phone, else the user id.")
    phone = fields.Char(readonly=True)
    user_ref = fields.Char("User ID", readonly=True)
    lang = fields.Char(readonly=True)
    variables = fields.Json(readonly=True)
    body = fields.Text(readonly=True)
    state = fields.Selection(STATES, required=True, default="queued", readonly=True)
    skip_reason = fields.Selection(SKIP_REASONS, readonly=True)
    provider_message_id = fields.Char("Message ID", readonly=True)
    token = fields.Char(readonly=True, help="Comes back in every status.")
    error_code = fields.Char(readonly=True)
    error_class = fields.Selection(ERROR_CLASSES, "Why Failed", readonly=True)
    error_message = fields.Char(readonly=True)
    attempt_count = fields.Integer("Attempts", readonly=True)
    due_at = fields.Datetime(readonly=True)
    lease_until = fields.Datetime(readonly=True)
    accepted_at = fields.Datetime(readonly=True)
    sent_at = fields.Datetime(readonly=True)
    delivered_at = fields.Datetime(readonly=True)
    read_at = fields.Datetime(readonly=True)
    failed_at = fields.Datetime(readonly=True)
    price_category = fields.Char(readonly=True)
    price_type = fields.Char(
        readonly=True, help="Meta: regular, free_customer_service, free_entry_point."
    )
    billable = fields.Boolean(readonly=True)
    advice = fields.Char(compute="_compute_advice")

    @api.depends("state", "error_code", "error_class")
    def _compute_advice(self):
        by_code, by_class = self._advice_by_code(), self._advice_by_class()
        for message in self:
            message.advice = False
            if message.state in ("failed", "queued") and message.error_class:
                message.advice = by_code.get(message.error_code) or by_class.get(
                    message.error_class
                )
            elif message.state == "unknown":
                message.advice = self._advice_on_doubt()

    def _open_events(self):
        """Return the action that lists the deliveries about one message."""
        self.ensure_one()
        self.check_access("read")
        events = self.env["whatsapp.broadcast.event"]
        events.check_access("read")
        return events._action_of(self._names_in_events())

    def _names_in_events(self):
        return [self.provider_message_id, self.token]

    def _advice_on_doubt(self):
        return self.env._("It may have arrived. Nothing is sent again by itself.")

    def _advice_by_code(self):
        """What to do where the class says too little; Meta's codes.

        https://developers.facebook.com/docs/whatsapp/cloud-api/support/error-codes
        """
        return {
            "130472": self.env._(
                "WhatsApp withholds marketing from this person for a test. Write to "
                "them another way."
            ),
            "130497": self.env._("WhatsApp does not let you write to this country."),
            "131021": self.env._("It is your own number."),
            "131047": self.env._(
                "Their last message is more than 24 hours old. Send a template."
            ),
            "132005": self.env._("The text is too long with this person's values."),
        }

    def _advice_by_class(self):
        return {
            "retry": self.env._("A fault at the provider. Retry."),
            "throttle": self.env._("The number was too fast. Retry."),
            "pair": self.env._("Too many messages to this person. Retry later."),
            "later": self.env._(
                "WhatsApp limits marketing to this person. Retry after 24 hours or "
                "more."
            ),
            "recipient": self.env._("Cannot be reached on WhatsApp. Check the number."),
            "undeliverable": self.env._(
                "Not on WhatsApp, or cannot be reached there. Check the number."
            ),
            "opt_out": self.env._("Stopped marketing messages. Do not retry."),
            "request": self.env._("The message's data was refused. Correct it."),
            "template": self.env._("Check the template, then retry."),
            "number": self.env._("Check the number at the provider, then retry."),
            "account": self.env._("Check the account at the provider."),
            "credentials": self.env._("Enter a new access token."),
            "daily_limit": self.env._(
                "The limit of people a day is reached. Try again later."
            ),
            "restored": self.env._(
                "The database was restored, copied or stood still. Send it again if it "
                "did not arrive."
            ),
        }
