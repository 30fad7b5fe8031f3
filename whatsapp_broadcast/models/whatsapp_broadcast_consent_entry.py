# One concern, one file: the log in one file would be too long to read.
# pylint: disable=consider-merging-classes-inherited

from dataclasses import replace
from datetime import datetime, timedelta, timezone
from functools import partial

from odoo import api, models
from odoo.exceptions import AccessError, UserError

from ..engine import queries
from ..engine.addresses import canonical
from ..engine.consents import BY_HAND, CHANNELS, Wish, record

#: Channels that a caller may name; in the others only WhatsApp speaks.
ENTRY_CHANNELS = ("form", "api", "import", BY_HAND)
#: What takes back what.
TAKEN_BACK = {"resume": "opt_out", "withdrawal": "opt_in"}
#: How far another host's clock may be ahead.
CLOCK_SKEW = timedelta(minutes=1)


class WhatsappBroadcastConsent(models.Model):
    """How people and other systems record what somebody said elsewhere."""

    _inherit = "whatsapp.broadcast.consent"

    @api.model
    def record_consent(
        self,
        kind,
        purpose="marketing",
        phone=None,
        lead_id=None,
        partner_id=None,
        channel="api",
        at=None,
        wording="",
        evidence="",
    ):
        """Log what somebody said about being written to, and put it in force.

        It holds for the present company, by each name of the person, and at once, also
        in broadcasts that are being sent. Said twice with the same time it is one.

        :param str kind: ``opt_in`` (consent), ``withdrawal`` (of a consent),
            ``opt_out`` (no more messages), ``resume`` (the opt-out is taken back). An
            opt-out goes before any consent. What is taken back is taken back for each
            purpose; of opt-outs, those of the same channel, or of all with ``person``
        :param str purpose: ``marketing`` or ``all``
        :param str phone: in any form; without a country it is the company's
        :param int lead_id: instead of ``phone``: id of a lead, by whose phone it holds
        :param int partner_id: instead of ``phone``: id of a contact
        :param str channel: ``form``, ``api``, ``import`` or ``person``
        :param at: when it was said: ISO 8601, UTC if it names no offset; default: now
        :param str wording: what the person read and agreed to, or said
        :param str evidence: where it can be proven, such as a form's address
        :return: id of the log's row
        :raise AccessError: if the user may not read the lead or contact, or takes back,
            being no manager, what the person himself asked for
        :raise UserError: if something given is wrong; says what
        """
        self._check_user()
        self._check_texts(wording=wording, evidence=evidence)
        values = {
            "kind": self._check_one_of("kind", kind, self._kinds()),
            "purpose": self._check_one_of("purpose", purpose, ("marketing", "all")),
            "channel": self._check_one_of("channel", channel, ENTRY_CHANNELS),
            "at": self._check_time(at),
            "wording": wording.strip(),
            "evidence": evidence.strip(),
        }
        self._check_proof(values)
        values.update(self._find_person(phone, lead_id, partner_id))
        return self._record([self._wish(**values)])[:1].id

    @api.model
    def _record_pasted(self, paste, company):
        """Record the opt-ins of pasted rows: :meth:`record_consent` for many.

        :param paste: ``whatsapp.broadcast.paste`` whose rows say ``consent_at``
        :param company: for which they hold
        """
        self._check_user()
        self.env.flush_all()
        self.env.cr.execute(queries.LOCK_PEOPLE)
        self.env.cr.execute(
            queries.RECORD_CONSENTS,
            {
                "paste_id": paste.id,
                "company_id": company.id,
                "user_id": self.env.uid,
            },
        )
        self.env["whatsapp.broadcast.choice"].invalidate_model()

    # === WHAT IS GIVEN === #

    @api.model
    def _check_user(self):
        if not (
            self.env.su or self.env.user.has_group("whatsapp_broadcast.group_user")
        ):
            raise AccessError(
                self.env._("Only users of WhatsApp Broadcast record consents.")
            )

    @api.model
    def _kinds(self):
        return self._fields["kind"].get_values(self.env)

    @api.model
    def _check_one_of(self, name, value, known):
        if value not in known:
            raise UserError(
                self.env._(
                    "%(value)s is no %(name)s here. Use one of: %(known)s.",
                    value=value,
                    name=name,
                    known=", ".join(known),
                )
            )
        return value

    @api.model
    def _check_texts(self, **texts):
        for name, text in texts.items():
            if not isinstance(text, str):
                raise UserError(self.env._("%s must be a text.", name))

    @api.model
    def _check_time(self, at):
        """Return naive UTC."""
        now = self.env["whatsapp.broadcast"]._now()
        if not at:
            return now
        try:
            if not isinstance(at, datetime):
                at = datetime.fromisoformat(at.strip().replace("Z", "+00:00"))
        except (AttributeError, ValueError):
            raise UserError(
                self.env._("%s is no time. Write it as in 2026-05-31 14:00:00.", at)
            ) from None
        if at.tzinfo:
            at = at.astimezone(timezone.utc).replace(tzinfo=None)
        if at > now + CLOCK_SKEW:
            raise UserError(
                self.env._("%s is in the future: say when it was said.", at)
            )
        return at

    @api.model
    def _check_proof(self, values):
        is_proven = values["wording"] or values["evidence"]
        if values["kind"] == "opt_in" and values["channel"] != "import":
            if not is_proven:
                raise UserError(
                    self.env._(
                        "A consent must be provable: say what the person agreed to "
                        "(wording), or where that can be seen (evidence)."
                    )
                )

    @api.model
    def _find_person(self, phone, lead_id, partner_id):
        """Return {address, lead_id, partner_id} of who is meant."""
        if sum(map(bool, (phone, lead_id, partner_id))) != 1:
            raise UserError(
                self.env._(
                    "Say who it was by one of these: phone, lead_id, partner_id."
                )
            )
        if phone:
            self._check_texts(phone=phone)
            return {"address": self._check_phone(phone)}
        model = "crm.lead" if lead_id else "res.partner"
        records = self.env[model].browse(int(lead_id or partner_id)).exists()
        if not records:
            raise UserError(self.env._("This lead or contact does not exist."))
        records.check_access("read")
        return self._person_of(records)

    @api.model
    def _check_phone(self, given):
        phone = self._phone_format(number=given)
        if not phone:
            raise UserError(
                self.env._(
                    "%s is no valid phone. Write it with its country, as in "
                    "+1 212 555 0100.",
                    given,
                )
            )
        return canonical(phone)

    @api.model
    def _person_of(self, person):
        """Return {address, lead_id, partner_id} of a lead or contact."""
        if not person.phone_sanitized:
            raise UserError(
                self.env._(
                    "%s has no valid phone, and what somebody said belongs to a phone. "
                    "Correct it first.",
                    person.display_name,
                )
            )
        is_lead = person._name == "crm.lead"
        return {
            "address": canonical(person.phone_sanitized),
            "lead_id": person.id if is_lead else None,
            "partner_id": (person.sudo().partner_id if is_lead else person).id or None,
        }

    @api.model
    def _wish(self, address, **values):
        return Wish(
            addresses=(address,),
            company_id=self.env.company.id,
            user_id=self.env.uid,
            **values,
        )

    # === PUTTING IT IN FORCE === #

    @api.model
    def _record_later(self, wishes):
        """Record at the end of the transaction: webhooks wait for who records."""
        self.env.cr.precommit.add(partial(self._record, wishes))

    @api.model
    def _record(self, wishes):
        """Record wishes that name one address each, and return the log's rows."""
        self.env.flush_all()
        self.env.cr.execute(queries.LOCK_PEOPLE)
        names = self._all_names({wish.addresses[0] for wish in wishes})
        logged = self.sudo()
        for wish in wishes:
            known = names[wish.addresses[0]]
            for said in self._said_for(replace(wish, addresses=tuple(known))):
                record(self.env.cr, said)
                logged += self._row_of(said)
        self.env["whatsapp.broadcast.choice"].invalidate_model()
        for consent in logged.filtered(lambda c: c.kind == "resume"):
            if consent.channel == BY_HAND:
                consent._undo_blacklist()
        return logged

    @api.model
    def _all_names(self, addresses):
        """Return {address: all names of that person, itself first}."""
        company_ids = [self.env.company.id, False]
        accounts = (
            self.env["whatsapp.broadcast.account"]
            .sudo()
            .with_context(active_test=False)
            .search([("company_id", "in", company_ids)])
        )
        pairs = [(account, name) for account in accounts.ids for name in addresses]
        names = {address: [address] for address in addresses}
        values = {
            "account_ids": [account for account, _address in pairs],
            "addresses": [address for _account, address in pairs],
        }
        self.env.cr.execute(queries.NAMES, values)
        for _account, address, same in sorted(self.env.cr.fetchall()):
            if same not in names[address]:
                names[address].append(same)
        return names

    def _said_for(self, wish):
        """Return a wish for each company whose choices it takes back."""
        if wish.kind not in TAKEN_BACK:
            return [wish]
        choices = self._taken_back_by(wish)
        if wish.kind == "resume":
            self._check_may_take_back(choices)
        is_common = any(not choice.company_id for choice in choices)
        return [wish, *([replace(wish, company_id=None)] if is_common else [])]

    def _taken_back_by(self, wish):
        takes_all = wish.channel == BY_HAND or wish.kind == "withdrawal"
        return (
            self.env["whatsapp.broadcast.choice"]
            .sudo()
            .search(
                [
                    ("kind", "=", TAKEN_BACK[wish.kind]),
                    ("address", "in", wish.addresses),
                    ("company_id", "in", [wish.company_id, False]),
                    ("channel", "in", CHANNELS if takes_all else [wish.channel]),
                ]
            )
        )

    def _check_may_take_back(self, choices):
        user = self.env.user
        is_manager = user.has_group("whatsapp_broadcast.group_manager")
        if not is_manager and set(choices.mapped("channel")) - {BY_HAND}:
            raise AccessError(
                self.env._(
                    "The person asked for this opt-out: only a manager may take it "
                    "back, and only if the person wants that."
                )
            )
        everywhere = choices.filtered(lambda choice: not choice.company_id)
        others = [("id", "not in", user.company_ids.ids)]
        if everywhere and self.env["res.company"].sudo().search_count(others, limit=1):
            raise AccessError(
                self.env._(
                    "This opt-out holds for all companies: only somebody who works in "
                    "all of them may take it back."
                )
            )

    def _row_of(self, wish):
        return self.sudo().search(
            [
                ("address", "=", wish.addresses[0]),
                ("at", "=", wish.at),
                ("kind", "=", wish.kind),
                ("channel", "=", wish.channel),
                ("company_id", "=", wish.company_id or False),
            ]
        )
