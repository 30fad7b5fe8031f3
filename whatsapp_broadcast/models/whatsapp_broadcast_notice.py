from markupsafe import Markup

from odoo import api, fields, models

from ..engine import queries
from ..tools.transactions import engine_transaction

#: Days that notices are kept.
KEEP_DAYS = 365

KINDS = [
    ("template_state", "Template: state"),
    ("template_category", "Template: category"),
    ("template_quality", "Template: quality"),
    ("template_content", "Template: content"),
    ("template_note", "Template: other"),
    ("number_state", "Number: state"),
    ("number_quality", "Number: quality"),
    ("number_daily_limit", "Number: people a day"),
    ("number_messages_per_second", "Number: messages per second"),
    ("number_name", "Number: name"),
    ("number_error", "Number: error"),
    ("number_note", "Number: other"),
    ("account_state", "Account: state"),
    ("account_error", "Account: error"),
    ("account_note", "Account: other"),
]


class WhatsappBroadcastNotice(models.Model):
    """One thing that the provider said of a template, a number or an account.

    The engine adds rows; people are told of them afterwards, in their languages.
    """

    _name = "whatsapp.broadcast.notice"
    _description = "WhatsApp Notice"
    _order = "at desc, id desc"
    _log_access = False

    account_id = fields.Many2one(
        "whatsapp.broadcast.account",
        required=True,
        readonly=True,
        ondelete="cascade",
        index=True,
    )
    number_id = fields.Many2one(
        "whatsapp.broadcast.number", readonly=True, ondelete="cascade", index=True
    )
    template_id = fields.Many2one(
        "whatsapp.broadcast.template", readonly=True, ondelete="cascade", index=True
    )
    kind = fields.Selection(KINDS, required=True, readonly=True)
    previous_value = fields.Char(readonly=True)
    value = fields.Char(readonly=True)
    reason = fields.Char("Provider's Words", readonly=True)
    at = fields.Datetime("When", required=True, readonly=True)
    is_serious = fields.Boolean("Serious", readonly=True)
    is_open = fields.Boolean(
        "Not Dismissed",
        readonly=True,
        help="It is serious, nothing newer was said, and nobody dismissed it.",
    )
    told_at = fields.Datetime(readonly=True)
    advice = fields.Char("What to Do", compute="_compute_advice")

    _once = models.UniqueIndex(
        "(account_id, kind, COALESCE(number_id, 0), COALESCE(template_id, 0), at,"
        " md5(COALESCE(value, '') || '/' || COALESCE(reason, '')))"
    )
    _to_tell_index = models.Index("(id) WHERE told_at IS NULL")

    @api.depends("kind", "previous_value", "value", "number_id", "template_id")
    @api.depends_context("lang")
    def _compute_display_name(self):
        for notice in self:
            notice.display_name, _advice = notice._words()

    @api.depends("kind", "previous_value", "value", "number_id", "template_id")
    @api.depends_context("lang")
    def _compute_advice(self):
        for notice in self:
            _happened, notice.advice = notice._words()

    # === WORDING === #

    def _words(self):
        """Return (what happened, what to do) in the reader's language."""
        self.ensure_one()
        subject = self._subject().sudo().display_name
        words = getattr(self, f"_words_of_{self.kind}", None)
        if words:
            return words(subject)
        happened = self.env._("The provider reports on %s.", subject)
        if self.value:
            event = self.value.replace("_", " ")
            happened = self.env._(
                "The provider reports on %(subject)s: %(event)s.",
                subject=subject,
                event=event,
            )
        return happened, self._advice_on_note()

    def _advice_on_note(self):
        if not self.is_serious:
            return ""
        if self.template_id:
            return self.env._(
                "Read the provider's words, and look at the template in its template "
                "manager before the next broadcast."
            )
        return self.env._(
            "Open the provider's account overview and follow what it asks for: it may "
            "stop the account otherwise."
        )

    def _label(self, model, field, value):
        selection = self.env[model]._fields[field]._description_selection(self.env)
        return dict(selection).get(value, value or "")

    def _words_of_template_state(self, subject):
        label = self._label("whatsapp.broadcast.template", "state", self.value)
        happened = self.env._(
            "Template %(template)s is now: %(state)s.", template=subject, state=label
        )
        paused = self.env._("Broadcasts that use it are paused.")
        advice = {
            "approved": self.env._(
                "It can be sent. Broadcasts that it stopped stay paused: open each "
                "and press Resume."
            ),
            "rejected": self.env._(
                "It cannot be sent. Correct what the reviewers named and submit it "
                "again, or use another template."
            ),
            "paused": self.env._(
                "People blocked or reported it. Broadcasts that use it are paused. "
                "The provider lets it go on after some hours; a third time it is "
                "disabled. Write to fewer, more interested people, or use another "
                "template."
            ),
            "disabled": self.env._(
                "It can never be sent again. Broadcasts that use it are paused: make "
                "another template and launch a duplicate with it."
            ),
        }.get(self.value, paused if self.is_serious else "")
        return happened, advice

    def _words_of_template_category(self, subject):
        model = "whatsapp.broadcast.template"
        happened = self.env._(
            "The provider moved template %(template)s from %(before)s to %(after)s.",
            template=subject,
            before=self._label(model, "category", self.previous_value),
            after=self._label(model, "category", self.value),
        )
        return happened, self.env._(
            "Prices and limits of the new category apply. Broadcasts that were "
            "launched before are paused: resume those that are worth it."
        )

    def _words_of_template_quality(self, subject):
        happened = self.env._(
            "The quality of template %(template)s is now: %(quality)s.",
            template=subject,
            quality=self._label("whatsapp.broadcast.template", "quality", self.value),
        )
        return happened, self._advice_on_quality()

    def _advice_on_quality(self):
        if not self.is_serious:
            return ""
        if self.template_id:
            return self.env._(
                "People block or report it, and the provider is about to pause it. "
                "Stop broadcasts that use it, or write to people who asked for it."
            )
        return self.env._(
            "People block or report what it sends. Broadcasts from it are paused: "
            "resume those to people who asked for them."
        )

    def _words_of_template_content(self, subject):
        happened = self.env._(
            "Template %s was changed in the provider's template manager.", subject
        )
        if self.value != "incompatible":
            return happened, self.env._(
                "Messages that are still to be sent have the new text."
            )
        return happened, self.env._(
            "It has other variables now. Broadcasts that were prepared with the old "
            "ones are paused and would be refused: cancel each, and launch a "
            "duplicate for those who were not written to."
        )

    def _words_of_number_state(self, subject):
        label = self._label("whatsapp.broadcast.number", "state", self.value)
        happened = self.env._(
            "Number %(number)s is now: %(state)s.", number=subject, state=label
        )
        if self.value == "connected":
            return happened, self.env._(
                "It can send. Broadcasts that it stopped stay paused: open each and "
                "press Resume."
            )
        if not self.is_serious:
            return happened, ""
        return happened, self.env._(
            "Nothing is sent from it. See to the number in the provider's manager, "
            "then open it here and press Refresh."
        )

    def _words_of_number_quality(self, subject):
        happened = self.env._(
            "The quality of number %(number)s is now: %(quality)s.",
            number=subject,
            quality=self._label("whatsapp.broadcast.number", "quality", self.value),
        )
        return happened, self._advice_on_quality()

    def _words_of_number_daily_limit(self, subject):
        limit = self.value if self.value != "0" else self.env._("unlimited")
        happened = self.env._(
            "People that %(subject)s may reach in 24 hours: %(limit)s.",
            subject=subject,
            limit=limit,
        )
        if not self.is_serious:
            return happened, ""
        return happened, self.env._(
            "That is less than before: broadcasts take more days. Send what is "
            "important first."
        )

    def _words_of_number_messages_per_second(self, subject):
        return self.env._(
            "Messages a second that %(number)s may send: %(pace)s.",
            number=subject,
            pace=self.value,
        ), ""

    def _words_of_number_name(self, subject):
        return self.env._("People see a number as %s now.", self.value), ""

    def _words_of_number_error(self, subject):
        return self.env._("The provider reports an error of %s.", subject), ""

    _words_of_account_error = _words_of_number_error

    def _words_of_account_state(self, subject):
        if self.value == "connected":
            return self.env._("Account %s is connected again.", subject), self.env._(
                "It can send. Broadcasts that it stopped stay paused: open each and "
                "press Resume."
            )
        if self.value == "credentials":
            return self.env._(
                "The provider refuses the access token of account %s.", subject
            ), self.env._(
                "Nothing is sent and nothing is read. Make a new token for a system "
                "user, paste it into the account and press Connect."
            )
        return self.env._("Account %s is stopped.", subject), self.env._(
            "Nothing is sent through it. See to it in the provider's account overview, "
            "then open it here and press Connect."
        )

    # === TELLING === #

    @api.model
    def _cron_attend(self):
        """See to what nobody should wait for, and what no sender has time for."""
        self._tell_notices()  # before files are fetched, which may take long
        self.env["whatsapp.broadcast.message"]._attend()
        self.env["whatsapp.broadcast.template"]._sync_changed()
        self.env["whatsapp.broadcast.account"]._check_accounts()
        self._tell_notices()  # of what was just read
        self.env["ir.cron"]._commit_progress(remaining=0)

    @api.model
    def _tell_notices(self):
        """Leave word on each subject, and tell who has to know; each notice once."""
        with engine_transaction(self.env.registry)() as cr:
            cr.execute(queries.NOTICES_TO_TELL)
            ids = [id_ for (id_,) in cr.fetchall()]
            notices = self.with_env(self.env(cr=cr)).browse(ids)
            by_subject = notices.grouped(lambda notice: notice._subject())
            for subject, about_it in by_subject.items():
                about_it._tell(subject)
            cr.execute(queries.NOTICES_TOLD, {"ids": ids})

    def _subject(self):
        """Return the record that the notice is about."""
        return self.template_id or self.number_id or self.account_id

    def _tell(self, subject):
        """Post one message on the subject, and send it to whom it concerns."""
        company = self.account_id.company_id or self.env.company
        note = self.with_context(lang=company.partner_id.lang)._message()
        subject.message_post(body=note, subtype_xmlid="mail.mt_note")
        for lang, users in self._readers(subject).grouped("lang").items():
            notices = self.with_context(lang=lang)
            subject.with_context(lang=lang).message_notify(
                partner_ids=users.partner_id.ids,
                subject=notices._latest()[0].display_name,
                body=notices._message(),
            )

    def _readers(self, subject):
        """Return the active users who are told: who keeps it, and who follows it."""
        readers = subject.message_partner_ids.user_ids
        if any(self.mapped("is_serious")):
            group = "manager" if subject == self.template_id else "administrator"
            readers |= self.env.ref(f"whatsapp_broadcast.group_{group}").all_user_ids
        companies = self.number_id.company_ids or self.account_id.company_id
        return readers.filtered(
            lambda user: (
                user.active
                and not user.share
                and (not companies or companies & user.company_ids)
            )
        )

    def _latest(self):
        """Return the latest notice of each kind, the serious ones first."""
        latest = {notice.kind: notice for notice in self.sorted(lambda n: (n.at, n.id))}
        kept = self.union(*latest.values())
        return kept.sorted(lambda notice: (not notice.is_serious, -notice.id))

    def _message(self):
        """Return what is posted: each kind once, and how often it happened."""
        parts = []
        for notice in self._latest():
            count = len(self.filtered(lambda n, kind=notice.kind: n.kind == kind))
            times = self.env._("(%s times)", count) if count > 1 else ""
            lines = [f"{notice.display_name} {times}".strip(), notice.advice]
            if notice.reason:
                lines.append(self.env._("In the provider's words: %s", notice.reason))
            text = Markup("<br/>").join(filter(None, lines))
            parts.append(Markup("<p>%s</p>") % text)
        return Markup("").join(parts)

    # === ACTIONS === #

    def action_dismiss(self):
        """Say that somebody has seen to it."""
        self.check_access("read")
        self.sudo().is_open = False
        return True

    @api.autovacuum
    def _gc_notices(self):
        """Delete notices that are history."""
        before = fields.Datetime.subtract(fields.Datetime.now(), days=KEEP_DAYS)
        self.search([("at", "<", before)], limit=10_000).unlink()
