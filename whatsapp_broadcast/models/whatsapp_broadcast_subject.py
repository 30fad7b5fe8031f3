import json
from dataclasses import dataclass

from odoo import fields, models
from odoo.exceptions import AccessError, UserError
from odoo.fields import Domain

from ..engine import queries
from ..engine.addresses import canonical

#: How notes of what people wrote begin.
NOTE = "<p><strong>WhatsApp · "

#: What a person gets to see of each row, in this order.
EXPORTED = {
    "contacts": (
        "number_id", "name", "phone", "user_ref", "last_inbound_at", "last_outgoing_at",
    ),
    "consents": (
        "at", "kind", "purpose", "channel", "address", "wording", "evidence",
        "company_id", "recorded_at", "user_id",
    ),
    "choices": ("kind", "purpose", "channel", "address", "company_id", "since"),
    "recipients": (
        "broadcast_id", "company_id", "number_id", "template_id", "phone", "user_ref",
        "variables", "body", "state", "skip_reason", "provider_message_id",
        "accepted_at", "sent_at", "delivered_at", "read_at", "failed_at", "replied_at",
        "clicked_at", "error_message",
    ),
    "members": (
        "list_id", "name", "phone", "state", "state_at", "state_user_id", "source",
    ),
    "rows": (
        "broadcast_id", "name", "phone", "values", "consent_at", "consent_evidence",
    ),
    "messages": (
        "direction", "create_date", "received_at", "company_id", "number_id",
        "broadcast_id", "template_id", "user_id", "phone", "user_ref", "profile_name",
        "message_type", "body", "payload", "details", "media_filename",
        "media_mimetype", "media_caption", "state", "provider_message_id",
        "accepted_at", "sent_at", "delivered_at", "read_at", "failed_at", "seen_at",
    ),
}  # fmt: skip


@dataclass
class Found:
    """What is kept of one person, as far as the user's companies may read it."""

    names: list[str]
    addresses: list[str]
    contacts: models.BaseModel
    consents: models.BaseModel
    choices: models.BaseModel
    recipients: models.BaseModel
    messages: models.BaseModel
    members: models.BaseModel
    rows: models.BaseModel


class WhatsappBroadcastSubject(models.AbstractModel):
    """A lead, contact or person of a number of whom all can be told, and forgotten."""

    _name = "whatsapp.broadcast.subject"
    _description = "Person of Whom WhatsApp Data Is Kept"

    # === ACTIONS === #

    def action_open_person(self):
        """Open what is kept of this person, to export or erase it."""
        self._whatsapp_check_subject()
        person = self.env["whatsapp.broadcast.person"].create(
            {self._whatsapp_subject_link(): self.id}
        )
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("WhatsApp Data of a Person"),
            "res_model": "whatsapp.broadcast.person",
            "res_id": person.id,
            "view_mode": "form",
            "target": "new",
        }

    def action_export_person(self):
        """Download all that is kept of this person, by each of his names, as JSON."""
        self._whatsapp_check_subject()
        # With the wizard's record the file is for managers, and soon gone.
        person = self.env["whatsapp.broadcast.person"].create(
            {self._whatsapp_subject_link(): self.id}
        )
        attachment = self.env["ir.attachment"].create(
            {
                "name": f"whatsapp-person-{fields.Date.today()}.json",
                "raw": json.dumps(
                    self._whatsapp_export(), indent=2, ensure_ascii=False
                ),
                "mimetype": "application/json",
                "res_model": person._name,
                "res_id": person.id,
            }
        )
        return {
            "type": "ir.actions.act_url",
            "url": f"/web/content/{attachment.id}?download=true",
            "target": "download",
        }

    def action_erase_person(self):
        """Forget all that is kept of this person, by each of his names.

        Rows, their states and so the counters stay, without anything that tells whose
        they were. What waits is not sent. Opt-outs stay in force, by the bare phone or
        user id: who asked for no messages must not get any, and that is what they are
        kept for. The lead or contact itself is Odoo's, and stays.

        :raise UserError: while a message to the person is being sent, or in doubt
        """
        self._whatsapp_check_subject()
        self.env.cr.execute(queries.LOCK_PEOPLE)
        found = self._whatsapp_find_all()
        self._whatsapp_check_settled(found)
        log = self if self._name != "whatsapp.broadcast.contact" else self.number_id
        self._whatsapp_erase(found)
        log.sudo().message_post(
            body=self.env._(
                "The WhatsApp data of a person was erased: %(recipients)s messages of "
                "broadcasts, %(messages)s others. Opt-outs stay in force.",
                recipients=len(found.recipients),
                messages=len(found.messages),
            ),
            author_id=self.env.user.partner_id.id,
        )
        return True

    def _whatsapp_check_subject(self):
        self.ensure_one()
        if not self.env.user.has_group("whatsapp_broadcast.group_manager"):
            raise AccessError(
                self.env._("Only a manager may export or erase what is kept of people.")
            )
        self.check_access("read")

    def _whatsapp_check_settled(self, found):
        states = [*found.recipients.mapped("state"), *found.messages.mapped("state")]
        if "sending" in states:
            raise UserError(
                self.env._(
                    "A message to this person is being sent. Try again in a minute."
                )
            )
        if "unknown" in states:
            raise UserError(
                self.env._(
                    "It is not known whether a message to this person arrived. Decide "
                    "that first, under Reporting / Recipients."
                )
            )

    # === WHAT IS KEPT === #

    def _whatsapp_subject_link(self):
        """Return the field that names a record of this model elsewhere."""
        names = {"crm.lead": "lead_id", "res.partner": "partner_id"}
        return names.get(self._name, "contact_id")

    def _whatsapp_find_all(self):
        """Return :class:`Found`: rows by a name of the person, or linked to self."""
        self.env.flush_all()
        names = self._whatsapp_subject_names()
        self.env.cr.execute(queries.ALL_FORMS, {"addresses": names})
        addresses = sorted({*names, *(form for (form,) in self.env.cr.fetchall())})
        link = Domain(self._whatsapp_subject_link(), "=", self.id)
        is_contact = self._whatsapp_subject_link() == "contact_id"
        linked = Domain.FALSE if is_contact else link
        by_name = Domain.OR(
            Domain(name, "in", addresses) for name in ("phone", "address", "user_ref")
        )
        by_address = Domain("address", "in", names)
        by_phone = Domain("phone_sanitized", "in", addresses)
        aliases = self._whatsapp_find(
            "alias", by_address & Domain("is_former", "!=", True)
        )
        own = Domain("id", "=", self.id) if is_contact else linked
        contacts = Domain("id", "in", aliases.contact_id.ids) | own
        return Found(
            names=names,
            addresses=addresses,
            contacts=self._whatsapp_find("contact", contacts),
            consents=self._whatsapp_find(
                "consent", Domain("address", "in", names) | linked
            ),
            choices=self._whatsapp_find("choice", Domain("address", "in", names)),
            recipients=self._whatsapp_find("recipient", by_name | linked),
            messages=self._whatsapp_find("message", by_name | link),
            members=self._whatsapp_find("list.member", by_phone | linked),
            rows=self._whatsapp_find("custom.row", by_phone),
        )

    def _whatsapp_find(self, name, domain):
        return self.env[f"whatsapp.broadcast.{name}"].search(domain)

    def _whatsapp_subject_names(self):
        """Return all present names of the person: phones by their key, user ids."""
        if self._whatsapp_subject_link() == "contact_id":
            given = [canonical(self.phone or ""), self.user_ref]
            contacts = self
        else:
            given = [canonical(self.phone_sanitized or "")]
            contacts = self._whatsapp_find(
                "contact", [(self._whatsapp_subject_link(), "=", self.id)]
            )
        given = [name for name in given if name]
        values = {
            "addresses": given,
            "contact_ids": contacts.ids,
            "company_ids": self.env.companies.ids,
        }
        self.env.cr.execute(queries.SUBJECT_NAMES, values)
        return sorted({*given, *(name for (name,) in self.env.cr.fetchall())})

    def _whatsapp_export(self):
        found = self._whatsapp_find_all()
        rows = {
            part: [_plain_row(row, names) for row in getattr(found, part).sudo()]
            for part, names in EXPORTED.items()
        }
        return {"names": found.names, **rows}

    # === FORGETTING === #

    def _whatsapp_erase(self, found):
        self._whatsapp_erase_notes(found)
        found.messages.attachment_id.sudo().unlink()
        rows = {
            queries.ERASE_RECIPIENTS: found.recipients,
            queries.ERASE_ATTEMPTS: found.recipients,
            queries.ERASE_MESSAGES: found.messages,
            queries.ERASE_CONSENTS: found.consents,
            queries.ERASE_MEMBERS: found.members,
            queries.ERASE_ROWS: found.rows,
        }
        self.env.flush_all()
        for query, records in rows.items():
            self.env.cr.execute(query, {"ids": sorted(records.ids)})
        numbers = self._whatsapp_find("number", Domain("active", "in", [True, False]))
        self.env.cr.execute(
            queries.ERASE_PLACES,
            {"addresses": found.addresses, "number_ids": numbers.ids},
        )
        found.choices.filtered(lambda choice: choice.kind == "opt_in").sudo().unlink()
        found.contacts.sudo().unlink()
        pastes = self.env["whatsapp.broadcast.paste"].sudo()
        by_phone = [("row_ids.phone_sanitized", "in", found.addresses)]
        pastes.search(by_phone).unlink()  # not taken over yet
        self.env["whatsapp.broadcast.event"].sudo()._erase(found.addresses)
        self.env.invalidate_all()

    def _whatsapp_erase_notes(self, found):
        """Delete what was noted of their words on leads, contacts and numbers."""
        messages = found.messages.sudo()
        domain = Domain.FALSE
        for records in (messages.lead_id, messages.partner_id, self):
            if records._name != "whatsapp.broadcast.contact":
                domain |= _notes_on(records, NOTE)
        who = {*found.addresses, *messages.mapped("profile_name")} - {False}
        for name in who:
            domain |= _notes_on(messages.number_id, f"{NOTE}{name}<")
        self.env["mail.message"].sudo().search(domain).unlink()
        activities = Domain.OR(
            Domain("res_model", "=", records._name)
            & Domain("res_id", "in", records.ids)
            & Domain("note", "=ilike", f"{NOTE}%")
            for records in (messages.lead_id, messages.partner_id)
        )
        self.env["mail.activity"].sudo().search(activities).unlink()


class CrmLead(models.Model):
    _name = "crm.lead"
    _inherit = ["crm.lead", "whatsapp.broadcast.subject"]


class ResPartner(models.Model):
    _name = "res.partner"
    _inherit = ["res.partner", "whatsapp.broadcast.subject"]


class WhatsappBroadcastContact(models.Model):
    _name = "whatsapp.broadcast.contact"
    _inherit = ["whatsapp.broadcast.contact", "whatsapp.broadcast.subject"]


def _notes_on(records, beginning):
    return (
        Domain("model", "=", records._name)
        & Domain("res_id", "in", records.ids)
        & Domain("body", "=ilike", f"{beginning}%")
    )


def _plain_row(row, names):
    return {name: _plain(row[name]) for name in names}


def _plain(value):
    """Return what JSON holds, and a person can read."""
    if isinstance(value, models.BaseModel):
        return value.exists().display_name or None
    if value and hasattr(value, "isoformat"):
        return value.isoformat()
    return None if value is False else value
