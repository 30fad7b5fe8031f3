from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError

from ..engine import news, queries
from .whatsapp_broadcast_account import heard_now

#: Qualities from low to high; what is not here is not known.
QUALITIES = ("red", "yellow", "green")


class WhatsappBroadcastNumber(models.Model):
    _name = "whatsapp.broadcast.number"
    _description = "WhatsApp Number"
    _inherit = ["mail.thread"]
    _order = "name, id"

    name = fields.Char(required=True)
    active = fields.Boolean(default=True)
    account_id = fields.Many2one(
        "whatsapp.broadcast.account", required=True, ondelete="cascade", index=True
    )
    company_ids = fields.Many2many(
        "res.company",
        string="Companies",
        help="Companies that may send from this number and see its broadcasts. "
        "Empty: those of the account.",
    )
    phone = fields.Char(readonly=True, help="E.164")
    external_id = fields.Char("Phone Number ID", required=True, readonly=True)
    messages_per_second = fields.Integer(
        default=80,
        help="What the provider allows this number: 80 by default, 20 if it is shared "
        "with the WhatsApp Business app, up to 1,000 after an upgrade.",
    )
    reserve = fields.Float(
        "Kept Free",
        default=0.2,
        help="Share of the pace that is left for what comes in: the provider counts "
        "messages in both directions.",
    )
    warm_up = fields.Boolean(
        "Start Slowly",
        help="A new number reaches 200 people on its first day and twice as many each "
        "day after, so that the provider comes to trust it.",
    )
    warm_up_started_on = fields.Date(
        compute="_compute_warm_up_started_on", store=True, copy=False
    )
    daily_limit = fields.Integer(
        readonly=True,
        help="Unique people outside an open conversation in 24 hours; 0: unlimited.",
    )
    quality = fields.Selection(
        [
            ("green", "High"),
            ("yellow", "Medium"),
            ("red", "Low"),
            ("unknown", "Unknown"),
        ],
        default="unknown",
        readonly=True,
        tracking=True,
    )
    state = fields.Selection(
        [
            ("connected", "Connected"),
            ("pending", "Pending"),
            ("unverified", "Unverified"),
            ("disconnected", "Disconnected"),
            ("flagged", "Flagged"),
            ("restricted", "Restricted"),
            ("rate_limited", "Rate Limited"),
            ("banned", "Banned"),
            ("migrated", "Migrated"),
            ("deleted", "Deleted"),
            ("unknown", "Unknown"),
            ("error", "Stopped"),
        ],
        default="unknown",
        readonly=True,
        tracking=True,
    )
    error_message = fields.Text(readonly=True, copy=False)
    user_id = fields.Many2one(
        "res.users",
        "Responsible",
        help="Learns of messages that are nobody else's: of people without a "
        "salesperson whom no broadcast was sent to.",
    )
    needs_registration = fields.Boolean(readonly=True, copy=False)
    heard_at = fields.Json(
        readonly=True, copy=False, help="When the provider last spoke of what."
    )
    _external_id_unique = models.Constraint(
        "UNIQUE (account_id, external_id)",
        "This number is already in the account.",
    )
    _messages_per_second_positive = models.Constraint(
        "CHECK (messages_per_second BETWEEN 1 AND 1000)",
        "Messages per second must be between 1 and 1,000.",
    )

    _reserve_is_share = models.Constraint(
        "CHECK (reserve >= 0 AND reserve <= 0.9)",
        "Between 0 and 90 % of the pace can be kept free.",
    )

    @api.depends("warm_up")
    def _compute_warm_up_started_on(self):
        for number in self:
            number.warm_up_started_on = number.warm_up and fields.Date.today()

    @api.depends("name", "phone")
    def _compute_display_name(self):
        for number in self:
            number.display_name = (
                f"{number.name} ({number.phone})" if number.phone else number.name
            )

    @api.constrains("company_ids", "account_id")
    def _check_companies(self):
        for number in self:
            owner = number.account_id.company_id
            if owner and number.company_ids - owner:
                raise ValidationError(
                    self.env._(
                        "%(number)s belongs to an account of %(company)s. Empty the "
                        "account's company to share its numbers.",
                        number=number.display_name,
                        company=owner.name,
                    )
                )

    # === ACTIONS === #

    def action_refresh(self):
        """Read state and limits again from the provider and clear our own stop."""
        self.account_id.check_access("read")
        self.check_access("write")
        # All is read before anything is written: no lock is held meanwhile.
        remote = {}
        for account in self.account_id:
            with account._remote() as (provider, call):
                remote[account] = list(provider.list_numbers(call))
        for account, numbers in remote.items():
            self._merge_remote(account, numbers)
        return True

    def action_register(self, pin):
        """Register the number for sending with its six-digit two-step PIN."""
        self.ensure_one()
        self.check_access("write")
        if not (isinstance(pin, str) and len(pin) == 6 and pin.isdigit()):
            raise UserError(self.env._("The PIN has six digits."))
        with self.account_id._remote() as (provider, call):
            provider.register_number(call, self.external_id, pin)
        return self.action_refresh()

    # === QUALITY === #

    def write(self, vals):
        fallen = self.filtered(
            lambda number: _rank(vals.get("quality")) < _rank(number.quality)
        )
        result = super().write(vals)
        if fallen:
            fallen._pause_by_quality()
        return result

    def _pause_by_quality(self):
        """Stop what sends from numbers that people complain about."""
        broadcasts = self.env["whatsapp.broadcast"]
        broadcasts.flush_model()
        self.env.cr.execute(
            queries.PAUSE_BY_QUALITY,
            {"number_ids": self.ids, "detail": ", ".join(self.mapped("quality"))},
        )
        broadcasts.invalidate_model()

    # === PROVIDER === #

    def _merge_remote(self, account, remote_numbers):
        """Create or update the account's numbers from what the provider lists.

        Superuser: some may belong to companies that the present user is not in.

        :param remote_numbers: iterable of ``providers.RemoteNumber``
        """
        numbers_sudo = self.sudo().with_context(active_test=False)
        known = {
            number.external_id: number
            for number in numbers_sudo.search([("account_id", "=", account.id)])
        }
        for remote in remote_numbers:
            number = known.get(remote.external_id, numbers_sudo.browse())
            values = number._remote_values(remote)
            if number:
                number._write_and_notice(values)
            else:
                numbers_sudo.create(
                    {
                        **values,
                        "account_id": account.id,
                        "external_id": remote.external_id,
                    }
                )

    def _write_and_notice(self, values):
        """Write what the provider lists, and have people told of what changed."""
        names = ("state", "quality", "daily_limit", "messages_per_second", "name")
        before = {name: self[name] for name in names}
        # People are told in words of their own, and once.
        self.with_context(mail_notrack=True).write(values)
        changes = {f"number_{name}": (before[name], self[name]) for name in names}
        self.env.flush_all()
        subject = {"account_id": self.account_id.id, "number_id": self.id}
        news.notice_changes(self.env.cr, subject, changes)

    def _remote_values(self, remote):
        values = {
            "name": remote.name or remote.phone,
            "phone": remote.phone,
            "state": self._known_state("state", remote.state),
            "quality": self._known_state("quality", remote.quality),
            "messages_per_second": min(max(remote.messages_per_second, 1), 1000),
            "needs_registration": not remote.registered,
            "error_message": False,
            "heard_at": heard_now(self, queries.NUMBER_COLUMNS),
        }
        if remote.daily_limit is not None:
            values["daily_limit"] = remote.daily_limit
        return values

    def _known_state(self, field_name, value):
        known = dict(self._fields[field_name].selection)
        return value if value in known else "unknown"

    # === PROTECTION === #

    def _used_numbers(self):
        """Return those that any broadcast, of anyone, uses."""
        groups = (
            self.env["whatsapp.broadcast"]
            .sudo()
            .with_context(active_test=False)
            ._read_group([("number_id", "in", self.ids)], ["number_id"])
        )
        return self.browse(number.id for (number,) in groups)

    @api.ondelete(at_uninstall=False)
    def _unlink_unless_used(self):
        if used := self._used_numbers():
            raise UserError(
                self.env._(
                    "%s is used by broadcasts. Archive it instead.",
                    ", ".join(used.mapped("display_name")),
                )
            )


def _rank(quality):
    """Return the quality's rank; unknown is neither lower nor higher than any."""
    return QUALITIES.index(quality) if quality in QUALITIES else float("nan")
