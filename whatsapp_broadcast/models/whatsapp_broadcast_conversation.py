from datetime import datetime

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.fields import Domain

from ..engine import queries
from .conversation_page import Page

#: Messages that one call returns at most.
PAGE_LIMIT = 200
#: Characters of a text message.
TEXT_LIMIT = 4096
#: Recipients who got nothing (yet) have no message in the conversation.
NOT_SENT = ("queued", "skipped", "cancelled")


class WhatsappBroadcastConversation(models.AbstractModel):
    """What a lead or partner and we wrote to each other, and how to go on.

    Whoever may read the record may read its conversation and answer it, whoever
    launched. What has a lead is the lead's; without one it is the partner's. Nothing is
    found by its phone alone: others may share it.
    """

    _name = "whatsapp.broadcast.conversation"
    _description = "WhatsApp Conversation"

    whatsapp_message_count = fields.Integer(
        "WhatsApp Messages",
        compute="_compute_whatsapp_counts",
        groups="whatsapp_broadcast.group_user",
    )
    whatsapp_unread_count = fields.Integer(
        "Unread WhatsApp Messages",
        compute="_compute_whatsapp_counts",
        groups="whatsapp_broadcast.group_user",
    )

    @api.depends_context("uid", "allowed_company_ids")
    def _compute_whatsapp_counts(self):
        scopes = {record: record._whatsapp_scope() for record in self}
        leads = [id_ for scope in scopes.values() for id_ in scope["lead_ids"]]
        partners = [id_ for scope in scopes.values() for id_ in scope["partner_ids"]]
        domain = _in_scope(leads, partners)
        rows = self._whatsapp_rows("recipient").sudo(), self._whatsapp_messages().sudo()
        went_out = [("state", "not in", NOT_SENT)]
        unread = [("direction", "=", "in"), ("seen_at", "=", False)]
        sent, said, new = (
            _count(model, domain & Domain(more))
            for model, more in (
                (rows[0], went_out),
                (rows[1], []),
                (rows[1], unread),
            )
        )
        for record, scope in scopes.items():
            owners = [("lead", id_) for id_ in scope["lead_ids"]]
            owners += [("partner", id_) for id_ in scope["partner_ids"]]
            record.whatsapp_message_count = sum(
                sent.get(owner, 0) + said.get(owner, 0) for owner in owners
            )
            record.whatsapp_unread_count = sum(new.get(owner, 0) for owner in owners)

    # === READING === #

    def action_whatsapp_conversation(self):
        """Open the conversation with this lead or partner."""
        self._whatsapp_check()
        return {
            "type": "ir.actions.client",
            "tag": "whatsapp_broadcast.conversation",
            "name": self.env._("WhatsApp: %s", self.display_name),
            "params": {"res_model": self._name, "res_id": self.id},
        }

    def whatsapp_get_conversation(self, before=None, limit=40):
        """Return a page of the conversation, the oldest message first.

        :param before: ``cursor`` of the page after this one; none: the newest page
        :return: {"name", "phone": whom it is with, "messages": as
            :class:`.conversation_page.Page` renders them, "has_more", "cursor",
            "windows": as :meth:`_whatsapp_windows`}
        :raise UserError: if ``before`` is no cursor
        """
        self._whatsapp_check()
        scope = self._whatsapp_scope()
        limit = max(1, min(int(limit), PAGE_LIMIT))
        self.env.flush_all()
        self.env.cr.execute(
            queries.TALK,
            {
                **scope,
                **self._parse_cursor(before),
                "company_ids": self.env.companies.ids,
                "number_ids": self._whatsapp_numbers().ids,
                "limit": limit + 1,
            },
        )
        rows = self.env.cr.fetchall()
        has_more, rows = len(rows) > limit, rows[:limit]
        return {
            "name": self.display_name,
            "phone": self._whatsapp_phone(),
            "messages": Page(self, rows[::-1], _in_scope(**scope)).render(),
            "has_more": has_more,
            "cursor": [rows[-1][0].isoformat(), *rows[-1][1:]] if rows else False,
            "windows": self._whatsapp_windows(),
        }

    def whatsapp_mark_read(self):
        """Note that somebody here read what came in."""
        self._whatsapp_check()
        unread = (
            self._whatsapp_messages()
            .sudo()
            .search(
                _in_scope(**self._whatsapp_scope())
                & Domain([("direction", "=", "in"), ("seen_at", "=", False)])
            )
        )
        if unread:
            unread.seen_at = self.env["whatsapp.broadcast"]._now()
            unread._wake_attend()
        return True

    # === WRITING === #

    def whatsapp_reply(self, number_id, body, context_message_id=None):
        """Send a text, which WhatsApp allows for 24 hours after their last message.

        :param str context_message_id: the provider's id of the message that it quotes
        :return: id of the ``whatsapp.broadcast.message``
        :raise UserError: if it may not be sent; says what to do instead
        """
        self._whatsapp_check()
        if not isinstance(body, str) or not body.strip():
            raise UserError(self.env._("Write the text that is to be sent."))
        if len(body) > TEXT_LIMIT:
            raise UserError(
                self.env._("A message has %s characters at most.", TEXT_LIMIT)
            )
        draft = self._whatsapp_draft(number_id, message_type="text", body=body)
        person = self._whatsapp_person(draft.number_id, context_message_id)
        permit = self._whatsapp_permits([(draft.number_id, person)])[0]
        self._check_opt_out(permit, is_reply=True)
        if not permit["is_open"]:
            raise UserError(
                self.env._(
                    "Their last message to %s is more than 24 hours old, so WhatsApp "
                    "allows no free text. Send a template.",
                    draft.number_id.display_name,
                )
            )
        values = {"context_message_id": context_message_id or False}
        return self._whatsapp_queue(draft, person, permit, values)

    def whatsapp_get_template(self, template_id, number_id):
        """Return what a template would say to this record, to be completed.

        :return: list of {"key", "component", "name", "text"} of its variables; an
            empty text has to be entered
        """
        self._whatsapp_check()
        draft = self._whatsapp_draft(
            number_id, message_type="template", template_id=template_id
        )
        variables = draft.template_id.variable_ids
        texts = self._whatsapp_texts(draft)
        return [
            {
                "key": variable._key(),
                "component": variable.component,
                "name": variable.name,
                "text": text,
            }
            for variable, text in zip(variables, texts, strict=True)
        ]

    def whatsapp_send_template(
        self, template_id, number_id, variables=None, media_link=None
    ):
        """Send one message by template.

        :param dict variables: as ``template_params`` of a broadcast; what is not in it
            is read from the record as the template says
        :param str media_link: of a template whose header is a file
        :return: id of the ``whatsapp.broadcast.message``
        :raise UserError: if it may not be sent; says what to do
        """
        self._whatsapp_check()
        draft = self._whatsapp_draft(
            number_id,
            message_type="template",
            template_id=template_id,
            template_params=variables or {},
            media_link=media_link or False,
        )
        draft._check_template_params()
        draft._check_template_account()
        draft._check_message()
        missing = [
            variable.display_name
            for variable, text in zip(
                draft.template_id.variable_ids, self._whatsapp_texts(draft), strict=True
            )
            if not text
        ]
        if missing:
            raise UserError(
                self.env._("Enter a text for: %s.", ", ".join(missing)),
            )
        person = self._whatsapp_person(draft.number_id)
        permit = self._whatsapp_permits([(draft.number_id, person)])[0]
        self._check_opt_out(
            permit, is_marketing=draft.template_id.category == "marketing"
        )
        values = {"variables": self._whatsapp_variables(draft)}
        return self._whatsapp_queue(draft, person, permit, values)

    # === WHO MAY, AND WHAT IS SHOWN === #

    def _whatsapp_check(self):
        self.ensure_one()
        self.check_access("read")
        if not self.env.user.has_group("whatsapp_broadcast.group_user"):
            raise AccessError(
                self.env._("WhatsApp conversations need a user of WhatsApp Broadcast.")
            )

    def _whatsapp_may_converse(self):
        return (
            bool(self.exists())
            and self.has_access("read")
            and self.env.user.has_group("whatsapp_broadcast.group_user")
        )

    def _whatsapp_scope(self):
        """Return ``lead_ids`` and ``partner_ids`` whose rows this user sees here."""
        raise NotImplementedError

    def _whatsapp_rows(self, table):
        return self.env[f"whatsapp.broadcast.{table}"]

    def _whatsapp_messages(self):
        return self._whatsapp_rows("message")

    def _whatsapp_numbers(self):
        """Return the numbers that this user may see."""
        numbers = self._whatsapp_rows("number").with_context(active_test=False)
        return numbers.search([("account_id", "!=", False)])

    def _parse_cursor(self, before):
        if not before:
            return {"at": None, "source": None, "id": None}
        try:
            at, source, id_ = before
            return {
                "at": datetime.fromisoformat(at),
                "source": str(source),
                "id": int(id_),
            }
        except (TypeError, ValueError):
            raise UserError(
                self.env._("Give the cursor of a page, as it was returned.")
            ) from None

    # === TO WHOM, AND WHETHER === #

    def _whatsapp_company(self):
        return self.company_id or self.env.company

    def _whatsapp_phone(self):
        return self.phone_sanitized or self._phone_format(fname="phone") or ""

    def _whatsapp_person(self, number, context_message_id=None):
        """Return (phone, user id) of who wrote last, or is quoted, else the record's.

        A user id is known to the account only.
        """
        domain = _in_scope(**self._whatsapp_scope())
        domain &= Domain("account_id", "=", number.sudo().account_id.id)
        wrote = self._whatsapp_messages().sudo()
        if context_message_id:
            domain &= Domain("provider_message_id", "=", context_message_id)
            sent = self._whatsapp_rows("recipient").sudo()
            row = wrote.search(domain, limit=1) or sent.search(domain, limit=1)
            if not row:
                raise UserError(
                    self.env._("The quoted message is not of this conversation.")
                )
        else:
            domain &= Domain("direction", "=", "in")
            row = wrote.search(domain, order="id desc", limit=1)
        if row:
            return row.phone or "", row.user_ref or ""
        return self._whatsapp_phone(), ""

    def _whatsapp_permits(self, targets):
        """Return what may be sent now, for each (number, person).

        :return: list of {"contact_id", "open_until", "seconds_left", "is_open",
            "opted_out_at": from all messages, unless the person wrote since,
            "marketing_opted_out_at", "is_blacklisted"}
        """
        self.env.flush_all()
        self.env.cr.execute(
            queries.MAY_WRITE,
            {
                "number_ids": [number.id for number, _person in targets],
                "phones": [phone or None for _number, (phone, _ref) in targets],
                "user_refs": [ref or None for _number, (_phone, ref) in targets],
                "company_id": self._whatsapp_company().id,
            },
        )
        permits = {row["number_id"]: row for row in self.env.cr.dictfetchall()}
        for permit in permits.values():
            wrote_at = permit.pop("last_inbound_at")
            permit["is_open"] = (permit["seconds_left"] or 0) > 0
            since = permit["opted_out_at"]
            permit["wrote_since"] = bool(since and wrote_at and wrote_at > since)
        return [permits[number.id] for number, _person in targets]

    def _whatsapp_windows(self):
        """Return each number that can send to this person, last used ones first.

        :return: list of {"number_id", "number_name", "account_id", "open_until",
            "seconds_left", "opt_out": what stands against a text, in words, or False,
            "template_opt_out", "marketing_opt_out": the same for templates}
        """
        numbers = self._whatsapp_numbers().filtered(self._whatsapp_can_send)
        targets = [(number, self._whatsapp_person(number)) for number in numbers]
        targets = [target for target in targets if any(target[1])]
        if not targets:
            return []
        last_used = self._whatsapp_last_used()
        windows = [
            {
                "number_id": number.id,
                "number_name": number.display_name,
                "account_id": number.account_id.id,
                "open_until": fields.Datetime.to_string(permit["open_until"]),
                "seconds_left": max(0, permit["seconds_left"] or 0),
                "opt_out": self._opt_out(permit, is_reply=True),
                "template_opt_out": self._opt_out(permit),
                "marketing_opt_out": self._opt_out(permit, is_marketing=True),
            }
            for (number, _person), permit in zip(
                targets, self._whatsapp_permits(targets), strict=True
            )
        ]
        return sorted(
            windows,
            key=lambda window: (
                window["number_id"] != last_used,
                -window["seconds_left"],
            ),
        )

    def _whatsapp_can_send(self, number):
        number_sudo, account_sudo = number.sudo(), number.sudo().account_id
        allowed = number_sudo.company_ids or account_sudo.company_id
        return (
            number_sudo.active
            and number_sudo.state == "connected"
            and account_sudo.active
            and account_sudo.state not in ("draft", "error")
            and (not allowed or self._whatsapp_company() in allowed)
        )

    def _whatsapp_last_used(self):
        domain = _in_scope(**self._whatsapp_scope())
        said = self._whatsapp_messages().sudo().search(domain, order="id desc", limit=1)
        sent = self._whatsapp_rows("recipient").sudo()
        row = said or sent.search(domain, order="id desc", limit=1)
        return row.number_id.id

    def _opt_out(self, permit, is_reply=False, is_marketing=False):
        """Return what stands against writing, in words; False if nothing does."""
        if permit["is_blacklisted"]:
            return self.env._("The phone is blacklisted.")
        since = permit["opted_out_at"]
        if since and not (is_reply and permit["wrote_since"]):
            return self.env._(
                "Opted out of all messages on %s.", self._whatsapp_day(since)
            )
        since = permit["marketing_opted_out_at"]
        if is_marketing and since:
            return self.env._(
                "Opted out of marketing on %s.", self._whatsapp_day(since)
            )
        return False

    def _whatsapp_day(self, at):
        return fields.Date.to_string(fields.Datetime.context_timestamp(self, at).date())

    def _check_opt_out(self, permit, **kind):
        if words := self._opt_out(permit, **kind):
            raise UserError(
                self.env._("%s Nothing may be sent unless they write again.", words)
            )

    # === ONE MESSAGE === #

    def _whatsapp_draft(self, number_id, **values):
        """Return an unsaved broadcast, which knows what a message needs."""
        number = self._whatsapp_rows("number").browse(number_id).exists()
        if not number:
            raise UserError(self.env._("Choose a number to send from."))
        number.check_access("read")
        if values.get("template_id"):
            template = self._whatsapp_rows("template").browse(values["template_id"])
            template.exists().check_access("read")
        draft = self.env["whatsapp.broadcast"].new(
            {
                "company_id": self._whatsapp_company().id,
                "user_id": self.env.uid,
                "number_id": number.id,
                "audience_model": self._name,
                **values,
            }
        )
        draft._check_sender()
        return draft

    def _whatsapp_variables(self, draft):
        return draft._values(self.browse()).example(
            self, [""] * len(draft.template_id.variable_ids)
        )

    def _whatsapp_texts(self, draft):
        """Return the text of each of the template's variables for this record."""
        texts = {
            component: [text for *_before, text in items]
            for component, items in self._whatsapp_variables(draft).items()
        }
        return [
            texts[variable.component].pop(0)
            for variable in draft.template_id.variable_ids
        ]

    def _whatsapp_queue(self, draft, person, permit, values):
        """Queue a message to ``person`` before any broadcast's; return its id."""
        phone, user_ref = person
        if not phone and not user_ref:
            raise UserError(
                self.env._("%s has no valid phone number.", self.display_name)
            )
        message = (
            self._whatsapp_messages()
            .sudo()
            .create(
                {
                    **draft._single_values(),
                    **self._whatsapp_links(),
                    "contact_id": permit["contact_id"],
                    "address": phone or user_ref,
                    "phone": phone,
                    "user_ref": user_ref,
                    **values,
                }
            )
        )
        self.env["whatsapp.broadcast"]._wake("send")
        message._notify_conversation()
        return message.id

    def _whatsapp_links(self):
        """Return ``lead_id`` and ``partner_id`` of what goes to this record."""
        raise NotImplementedError


def _in_scope(lead_ids, partner_ids):
    return Domain("lead_id", "in", lead_ids) | (
        Domain("lead_id", "=", False) & Domain("partner_id", "in", partner_ids)
    )


def _count(model, domain):
    """Return {("lead" or "partner", id): number of rows}."""
    groups = model._read_group(domain, ["lead_id", "partner_id"], ["__count"])
    counts = {}
    for lead, partner, count in groups:
        owner = ("lead", lead.id) if lead else ("partner", partner.id)
        counts[owner] = counts.get(owner, 0) + count
    return counts
