from odoo import fields, models

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
    ("no_access", "No right to read it"),
    ("variable_missing", "A variable has no value"),
    ("outside_window", "No reply in the last 24 hours"),
    ("lead_closed", "Won, lost or archived"),
    ("already_messaged", "Got an earlier run of the series"),
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
    error_class = fields.Char(readonly=True)
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
    billable = fields.Boolean(readonly=True)
