from odoo import fields, models


class ResCompany(models.Model):
    _inherit = "res.company"

    # Not required by the database: Odoo's own modules make companies before this one
    # is loaded, as their tests do. Nothing chosen is the default.
    whatsapp_stop_scope = fields.Selection(
        [
            ("all", "All broadcasts of the company"),
            ("marketing", "Marketing only"),
            ("blacklist", "All broadcasts, and the phone blacklist"),
        ],
        "STOP Ends",
        default="all",
        help="What somebody who answers STOP, or a word like it, gets no more of.",
    )
    whatsapp_consent_rule = fields.Selection(
        [
            ("ignore", "Is not asked for"),
            ("warn", "Is counted before a launch"),
            ("require", "Is required: others are left out"),
        ],
        "Consent to Marketing",
        default="warn",
    )
    whatsapp_stop_confirmation = fields.Char(
        "Answer to STOP",
        translate=True,
        help="Sent once to who opts out by a word or a button. Empty: no answer.",
    )
    whatsapp_notification = fields.Selection(
        [("inbox", "A message"), ("activity", "An activity")],
        "Replies Come as",
        default="inbox",
    )
    whatsapp_create_leads = fields.Boolean(
        "Leads of Unknown People",
        help="Who writes to a number and is no contact and no lead becomes a lead.",
    )
    whatsapp_cap_count = fields.Integer(
        "Marketing Messages a Person",
        default=1,
        help="At most, over all broadcasts of the company. 0: no limit.",
    )
    whatsapp_cap_days = fields.Integer("In Days", default=1)

    _whatsapp_cap_positive = models.Constraint(
        "CHECK (whatsapp_cap_count >= 0 AND whatsapp_cap_days >= 1)",
        "A person can get no fewer than 0 marketing messages, in 1 day or more.",
    )
    whatsapp_approval_people = fields.Integer(
        "Approval Above People",
        help="A broadcast to more people than this waits for a manager. 0: none does.",
    )
    whatsapp_approval_cost = fields.Monetary(
        "Approval Above Cost",
        help="A broadcast that is to cost more than this waits for a manager. 0: none "
        "does.",
    )
    whatsapp_approval_by_two = fields.Boolean(
        "Managers Ask, Too",
        help="Else a manager's own broadcasts wait for nobody. Nobody approves what "
        "he launched himself.",
    )

    _whatsapp_approval_positive = models.Constraint(
        "CHECK (whatsapp_approval_people >= 0 AND whatsapp_approval_cost >= 0)",
        "Approval is asked for above a number, or never with 0.",
    )
