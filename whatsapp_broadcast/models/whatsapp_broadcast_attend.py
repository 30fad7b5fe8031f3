# One concern, one file: the message in one file would be too long to read.
# pylint: disable=consider-merging-classes-inherited

import logging
import mimetypes
import time
from contextlib import closing

from markupsafe import Markup

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import plaintext2html

from ..engine import queries
from ..providers import ErrorClass, ProviderError, TransportError
from ..providers.transport import Transport
from ..tools.crons import wake

_logger = logging.getLogger(__name__)

#: Messages that are seen to in one transaction.
BATCH = 100
#: Seconds that one call fetches files.
FETCH_SECONDS = 20
#: Largest file that is kept, in bytes; Meta's own largest is a document of 100 MB.
MAX_MEDIA = 32 * 1024 * 1024
#: Tries to fetch a file, each four times later than the one before; Meta keeps files
#: for a week at least.
FETCH_TRIES = 7
#: Types that begin no conversation.
_SILENT = ("reaction", "revoke", "system")


class WhatsappBroadcastMessage(models.Model):
    """What is to be done after messages came in; no sender waits for it."""

    _inherit = "whatsapp.broadcast.message"

    @api.model
    def _attend(self):
        """Find whom messages are from, tell people, fetch files, tell the provider."""
        while messages := self._next(queries.MESSAGES_TO_TELL):
            for of_person in messages.grouped("contact_id").values():
                of_person._see_to()
                of_person._finish()
            self.env["ir.cron"]._commit_progress(len(messages))
        self._fetch_files()
        self._send_receipts()

    @api.model
    def _next(self, query):
        self.env.cr.execute(query, {"limit": BATCH})
        return self.browse(id_ for (id_,) in self.env.cr.fetchall())

    def _see_to(self):
        """Link and tell; what breaks, such as another addon's rule, stops no other."""
        try:
            with self.env.cr.savepoint():
                self._link()
                self._heed_wishes()
                self._tell_received()
                self._notify_conversation()
        except Exception as error:  # no details: they would name people
            kind = type(error).__name__
            _logger.error("Messages %s were told to nobody (%s)", self.ids, kind)
            self.env.invalidate_all(flush=False)

    def _finish(self):
        """Take off the list what there is nothing to do with any more."""
        self.is_told = True
        done = self.filtered(lambda message: message.media_state != "pending")
        done.needs_attention = False

    # === WHO IT IS === #

    def _link(self):
        """Give messages that answer nothing of ours to whom their phone belongs."""
        for _contact, messages in self.grouped("contact_id").items():
            strangers = messages.filtered(lambda m: not (m.lead_id or m.partner_id))
            if not strangers:
                continue
            lead, partner = strangers[0]._find_person()
            if not (lead or partner) and strangers._become_leads():
                lead = strangers[0].sudo()._make_lead()
            strangers.write({"lead_id": lead.id, "partner_id": partner.id})
        for message in self.filtered("contact_id"):
            message.contact_id.lead_id = message.lead_id or message.contact_id.lead_id
            message.contact_id.partner_id = (
                message.partner_id or message.contact_id.partner_id
            )

    def _find_person(self):
        """Return the (lead, partner) of this phone: the open, newest lead, if any."""
        leads, partners = self.env["crm.lead"], self.env["res.partner"]
        if not self.phone:
            return leads, partners
        self.env.cr.execute(queries.FORMS, {"address": self.phone})
        same = [("phone_sanitized", "in", self.env.cr.fetchone()[0])]
        if self.company_id:
            same.append(("company_id", "in", [self.company_id.id, False]))
        lead = leads.search(
            [*same, ("won_status", "=", "pending")],
            order="write_date desc, id",
            limit=1,
        )
        partner = lead.partner_id or partners.search(same, order="id", limit=1)
        return lead, partner

    def _become_leads(self):
        """Tell whether a rule makes a lead of who wrote these messages."""
        return self.company_id[:1].whatsapp_create_leads and any(
            message.message_type not in _SILENT for message in self
        )

    def _make_lead(self, user=None):
        """Make a lead of who wrote this message, with where it came from.

        :param user: the salesperson; none: the number's responsible
        """
        broadcast = self.broadcast_id
        name = self.profile_name or self.phone or self.user_ref
        return self.env["crm.lead"].create(
            {
                "name": self.env._("WhatsApp: %s", name),
                "contact_name": self.profile_name,
                "phone": self.phone,
                "description": self.body and plaintext2html(self.body),
                "company_id": self.company_id.id,
                "user_id": (user or self.number_id.user_id).id,
                "partner_id": self.partner_id.id,
                "medium_id": broadcast._utm_medium().id,
                "source_id": broadcast._utm_source().id if broadcast else False,
                "campaign_id": broadcast.campaign_id.id,
            }
        )

    # === WHAT THEY WISH === #

    def _heed_wishes(self):
        """Do what an opt-out asks for besides: the blacklist, and an answer."""
        ids = [message.provider_message_id for message in self]
        wishes = self.env["whatsapp.broadcast.consent"].search(
            [("evidence", "in", ids), ("channel", "in", ("keyword", "button"))]
        )
        by_message = wishes.grouped("evidence")
        for message in self:
            said = by_message.get(message.provider_message_id, wishes.browse())
            if not said:
                continue
            said._link_person(message.lead_id, message.partner_id)
            said._follow_blacklist(message.phone)
            if "opt_out" in said.mapped("kind"):
                message._confirm_opt_out()

    def _confirm_opt_out(self):
        """Answer once that the opt-out is in force, where the company wants it."""
        lang = self.lead_id.lang_id.code or self.partner_id.lang or self.env.lang
        text = self.company_id.with_context(lang=lang).whatsapp_stop_confirmation
        since = fields.Datetime.subtract(self.received_at, days=1)
        earlier = [
            ("contact_id", "=", self.contact_id.id),
            ("is_confirmation", "=", True),
            ("create_date", ">", since),
        ]
        if text and self.contact_id and not self.search_count(earlier, limit=1):
            self._answer(text, is_confirmation=True)

    def _answer(self, body, **values):
        """Queue a text to who wrote this message; the engine sends it."""
        answer = self.create(
            {
                "direction": "out",
                "message_type": "text",
                "body": body,
                "due_at": self.env["whatsapp.broadcast"]._now(),
                "address": self.phone or self.user_ref,
                **{
                    name: self[name].id
                    for name in (
                        "account_id",
                        "number_id",
                        "company_id",
                        "contact_id",
                        "lead_id",
                        "partner_id",
                        "broadcast_id",
                    )
                },  # fmt: skip
                "recipient_id": self.recipient_id.id,
                "phone": self.phone,
                "user_ref": self.user_ref,
                **values,
            }
        )
        self.env["whatsapp.broadcast.lane"].sudo()._wake_at(0)
        return answer

    # === WHO IS TOLD === #

    def _tell_received(self):
        """Tell the one who is responsible for each person what the person wrote."""
        by_person = self.grouped(
            lambda m: (m.lead_id, m.partner_id, m.lead_id or m.contact_id)
        )
        for (lead, partner, _person), messages in by_person.items():
            user = messages._responsible()
            messages = messages.with_context(lang=user.lang or self.env.lang)
            record = lead or partner
            if record:
                messages._post_on(record, user)
            elif user:
                messages._notify_of_stranger(user)

    def _responsible(self):
        """Return the first active user of: salesperson, launcher, the number's."""
        last = self[-1:]
        candidates = (
            last.lead_id.user_id
            | last.partner_id.user_id
            | last.broadcast_id.user_id
            | self._asker()
            | last.number_id.user_id
        )
        return candidates.filtered(lambda user: user.active and not user.share)[:1]

    def _asker(self):
        """Return who sent the single message that these answer."""
        ids = [i for i in self.mapped("context_message_id") if i]
        asked = self.search(
            [("provider_message_id", "in", ids), ("direction", "=", "out")], limit=1
        )
        return asked.user_id

    def _post_on(self, record, user):
        """Leave a note, and tell the user in the way that the company wants."""
        as_activity = self[-1:].company_id.whatsapp_notification == "activity"
        notified = user.partner_id if not as_activity else self.env["res.partner"]
        author = self.partner_id[:1] or self.lead_id.partner_id[:1]
        record.with_context(mail_notify_author=True).message_post(
            body=self._as_note(),
            author_id=author.id or self.env.ref("base.partner_root").id,
            partner_ids=notified.ids,
            message_type="comment",
            subtype_xmlid="mail.mt_note",
        )
        if as_activity and user:
            self._schedule_answer(record, user)

    def _schedule_answer(self, record, user):
        """Have one activity of a person, however much is written."""
        summary = self.env._("Answer on WhatsApp")
        open_ones = record.activity_ids.filtered(
            lambda activity: activity.user_id == user and activity.summary == summary
        )
        if open_ones:
            open_ones[:1].note = self._as_note()
            return
        record.activity_schedule(
            "mail.mail_activity_data_todo",
            summary=summary,
            note=self._as_note(),
            user_id=user.id,
        )

    def _notify_of_stranger(self, user):
        """Tell of messages that belong to no lead and no contact."""
        self[-1:].number_id.message_notify(
            partner_ids=user.partner_id.ids,
            subject=self.env._("WhatsApp from %s", self[-1:].display_name),
            body=self._as_note(),
        )

    def _as_note(self):
        types = dict(self._fields["message_type"]._description_selection(self.env))
        lines = []
        for message in self:
            who = message.profile_name or message.phone or message.user_ref or ""
            text = message.body or f"[{types[message.message_type]}]"
            lines.append(
                Markup("<p><strong>WhatsApp · %s</strong><br/>%s</p>")
                % (who, Markup("<br/>").join(text.split("\n")))
            )
        return Markup("").join(lines)

    # === FILES === #

    @api.model
    def _fetch_files(self):
        """Fetch files that people sent; a failure of one leaves the others alone."""
        deadline = time.monotonic() + FETCH_SECONDS
        while time.monotonic() < deadline:
            message = self._next(queries.FILE_TO_FETCH)
            if not message:
                return
            message._fetch_file()
            self.env["ir.cron"]._commit_progress(1)

    def _fetch_file(self):
        try:
            fetched = self._download()
        except (ProviderError, TransportError, UserError) as error:
            self._set_back_file(error)
        else:
            self._store_file(fetched)

    def _download(self):
        """Return the file; no transaction is open while it comes."""
        provider = self.account_id._provider()
        names = self.media_id, self.number_id.external_id
        self.env["ir.cron"]._commit_progress()
        with closing(Transport(threads=1, read_timeout=30)) as transport:
            return provider.fetch_media(transport, *names, MAX_MEDIA)

    def _store_file(self, fetched):
        """Keep a file with the lead or partner, whose readers may read it."""
        if self.media_sha256 and self.media_sha256 != fetched.sha256:
            self._give_up_file(self.env._("It is not the file that was sent."))
            return
        record = self.lead_id or self.partner_id or self
        # A page that a stranger sent is shown as text, never run.
        attachments = self.env["ir.attachment"].with_context(
            attachments_mime_plainxml=True
        )
        attachment = attachments.create(
            {
                "name": self.media_filename or self._file_name(fetched.mimetype),
                "raw": fetched.content,
                "mimetype": fetched.mimetype,
                "res_model": record._name,
                "res_id": record.id,
            }
        )
        self.write(
            {
                "attachment_id": attachment.id,
                "media_state": "stored",
                "needs_attention": False,
            }
        )
        self._notify_conversation()

    def _file_name(self, mimetype):
        extension = mimetypes.guess_extension(mimetype.partition(";")[0]) or ""
        return f"whatsapp-{self.message_type}-{self.id}{extension}"

    def _set_back_file(self, error):
        """Try again later, unless that is no use."""
        told = getattr(error, "error", None)
        words = told.message if told else str(error)
        is_final = told and told.error_class is ErrorClass.REQUEST
        if is_final or self.media_attempt_count + 1 >= FETCH_TRIES:
            self._give_up_file(words)
        else:
            tries = self.media_attempt_count + 1
            now = self.env["whatsapp.broadcast"]._now()
            self.media_attempt_count = tries
            self.attend_at = fields.Datetime.add(now, seconds=15 * 4**tries)

    def _give_up_file(self, words):
        self.write(
            {"media_state": "gone", "error_message": words, "needs_attention": False}
        )
        self._notify_conversation()

    # === RECEIPTS === #

    @api.model
    def _send_receipts(self):
        """Let people see that somebody here read what they wrote."""
        seen = self.search([("seen_at", "!=", False), ("seen_is_told", "=", False)])
        for _contact, messages in seen.grouped("contact_id").items():
            for number, of_number in messages.grouped("number_id").items():
                of_number._send_receipt(number)
            self.env["ir.cron"]._commit_progress(len(messages))

    def _send_receipt(self, number):
        """Tell the provider of the newest; what was before is read, too."""
        newest = self.sorted("received_at")[-1:]
        try:
            with number.account_id._remote() as (provider, call):
                names = number.external_id, newest.provider_message_id
                self.env["ir.cron"]._commit_progress()  # none is open in the call
                provider.mark_read(call, *names)
        except UserError:
            # A receipt is a courtesy: what was told too late is told never.
            _logger.info("A read receipt was not taken by the provider")
        self.seen_is_told = True

    @api.model
    def _wake_attend(self):
        """Have messages attended to at once."""
        wake(self.env.ref("whatsapp_broadcast.ir_cron_attend").sudo())
