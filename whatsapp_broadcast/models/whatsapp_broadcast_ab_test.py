# One concern, one file: the broadcast in one file would be too long to read.
# pylint: disable=consider-merging-classes-inherited

from datetime import MAXYEAR, datetime, timedelta

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError

from ..engine import queries

#: Rows that get the winner's message in one transaction.
CHUNK = 20_000
#: When rows are due that wait for the winner: not before somebody, or the time, chose.
WAITS_FOR_WINNER = datetime(MAXYEAR, 1, 1)


class WhatsappBroadcast(models.Model):
    """Two or three messages on a share of the audience; the best one for the rest.

    Who gets which is fixed at the freeze, by chance; each row of the test names its
    ``variant``. The others hold the values for all of them and wait.
    """

    _inherit = "whatsapp.broadcast"

    variant_ids = fields.One2many(
        "whatsapp.broadcast.variant", "broadcast_id", "Other Messages", copy=True
    )
    ab_share = fields.Integer(
        "Test on (%)", default=20, help="Percent of the people who get the test."
    )
    ab_metric = fields.Selection(
        [("read", "Read"), ("replied", "Replied"), ("clicked", "Clicked")],
        "Best by",
        default="read",
        help="The share of those whom the message was sent to.",
    )
    ab_hours = fields.Float("Decide after (hours)", default=4.0)
    ab_is_manual = fields.Boolean("Decided by hand")
    ab_decide_at = fields.Datetime(readonly=True, copy=False)
    ab_winner = fields.Char("Winner", readonly=True, copy=False)

    _ab_share_in_percent = models.Constraint(
        "CHECK (ab_share BETWEEN 1 AND 100)", "Test on 1 to 100 percent of the people."
    )
    _ab_hours_positive = models.Constraint(
        "CHECK (ab_hours > 0)", "A test needs some time before it is decided."
    )

    @api.constrains("variant_ids", "in_recipient_language", "message_type")
    def _check_ab_test(self):
        for broadcast in self.filtered("variant_ids"):
            if broadcast.in_recipient_language:
                raise ValidationError(
                    self.env._(
                        "A test compares messages in one language: choose a test or "
                        "each person's language."
                    )
                )
            if broadcast.message_type != "template":
                raise ValidationError(self.env._("Only templates can be compared."))

    # === ACTIONS === #

    def action_choose_winner(self, name):
        """Send the rest of the audience one of the messages, before the time is over.

        :param str name: A, B or C
        :raise UserError: if there is no such message, or no test under way
        """
        self.ensure_one()
        self._lock_for_action(("sending", "paused"), self.env._("decided"))
        if name not in self._wordings() or not self.variant_ids:
            raise UserError(self.env._("There is no message %s to choose.", name))
        if self.ab_winner:
            raise UserError(self.env._("%s was chosen already.", self.ab_winner))
        self._choose_winner(name)
        self._wake("prepare")
        return True

    def get_variant_figures(self):
        """Return what became of each message of the test, as of now.

        :return: [{name, template, accepted, delivered, read, replied, clicked, failed}]
        :rtype: list
        """
        self.ensure_one()
        self.check_access("read")
        self.env["whatsapp.broadcast.recipient"].flush_model()
        self.env.cr.execute(queries.COUNT_VARIANTS, {"broadcast_id": self.id})
        counted = {row["name"]: row for row in self.env.cr.dictfetchall()}
        none = dict.fromkeys(queries.VARIANT_COUNTS, 0)
        return [
            {**none, **counted.get(name, {}), "name": name, "template": label}
            for name, label in (
                (name, template.display_name)
                for name, (template, _params) in self._wordings().items()
            )
        ]

    # === WORDINGS === #

    def _wordings(self):
        """Return {name: (template, its ``template_params``)}, the own one first."""
        others = {
            name: (variant.template_id, variant.template_params)
            for name, variant in zip("BC", self.variant_ids, strict=False)
        }
        return {"A": (self.template_id, self.template_params), **others}

    def _variant_values(self):
        """Return the parameters of ``FREEZE`` by which the test is drawn."""
        wordings = self._wordings() if self.variant_ids else {}
        templates = [template for template, _params in wordings.values()]
        return {
            "variants": list(wordings),
            "variant_template_ids": [template.id for template in templates],
            "variant_langs": [template.language for template in templates],
            "ab_share": self.ab_share,
            "is_ab_test": bool(wordings),
            "waits": WAITS_FOR_WINNER,
        }

    def _change_variants(self):
        """See to it that only drafts change, and that no review goes on to lie."""
        if any(broadcast.state != "draft" for broadcast in self):
            self._refuse_fields({"variant_ids"})
        self.check_access("write")
        self._clear_recipients()

    def _waits_for_winner(self):
        """Tell whether a part of the people waits for the end of the test."""
        return bool(self.variant_ids) and self.ab_share < 100 and not self.ab_winner

    # === DECISION === #

    def _set_state(self, state, reason=False, detail=False):
        result = super()._set_state(state, reason, detail)
        if state == "sending" and self.variant_ids and not self.ab_decide_at:
            at = self._now() + timedelta(hours=self.ab_hours)
            self._write_protected({"ab_decide_at": at})
            self._wake("prepare", at=at)
        return result

    @api.model
    def _start_scheduled(self):
        """Also decide what is due to be decided: no copy of a database gets here."""
        self._decide_ab_tests()
        return super()._start_scheduled()

    def _decide_ab_tests(self):
        """Choose what is due to be chosen, and let the rest of the people have it."""
        tests = [("state", "=", "sending"), ("variant_ids", "!=", False)]
        due = [
            ("ab_winner", "=", False),
            ("ab_is_manual", "=", False),
            ("ab_decide_at", "<=", self._now()),
        ]
        for broadcast in self.search([*tests, *due]).try_lock_for_update(
            allow_referencing=True
        ):
            broadcast._choose_winner(broadcast._best_variant())
        self.env["ir.cron"]._commit_progress()
        for broadcast in self.search([*tests, ("ab_winner", "!=", False)]):
            broadcast._release_waiting()

    def _best_variant(self):
        """Return the name with the best share; of equal ones the first."""

        def share(figures):
            return figures[self.ab_metric] / max(figures["accepted"], 1)

        return max(self.get_variant_figures(), key=share)["name"]

    def _choose_winner(self, name):
        template, _params = self._wordings()[name]
        self._write_protected({"ab_winner": name})
        self.message_post(
            body=self.env._(
                "Message %(name)s (%(template)s) goes to everybody else.",
                name=name,
                template=template.display_name,
            )
        )

    def _release_waiting(self):
        """Give the winner's message to those who wait for it, chunk by chunk."""
        template, _params = self._wordings()[self.ab_winner]
        values = {
            "broadcast_id": self.id,
            "winner": self.ab_winner,
            "template_id": template.id,
            "lang": template.language,
            "waits": WAITS_FOR_WINNER,
            "limit": CHUNK,
        }
        released = CHUNK
        while released == CHUNK:
            self.env.cr.execute(queries.RELEASE_WAITING, values)
            released = self.env.cr.rowcount
            if released:
                self._wake("send")
            if self.env["ir.cron"]._commit_progress() <= 0:
                self._wake("prepare")
                break
        self.env["whatsapp.broadcast.recipient"].invalidate_model()
