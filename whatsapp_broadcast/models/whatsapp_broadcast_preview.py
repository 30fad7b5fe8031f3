# One concern, one file: the broadcast in one file would be too long to read.
# pylint: disable=consider-merging-classes-inherited

import json
import re
from dataclasses import asdict
from functools import cache

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Command, Domain
from odoo.tools import SQL

from ..engine import queries
from .whatsapp_broadcast import FROZEN_FIELDS, TIME_FIELDS
from .whatsapp_broadcast_sources import LEAD, PARTNER
from .whatsapp_broadcast_template import PLACEHOLDER
from .whatsapp_broadcast_template_variable import NAME_PATHS

#: People previewed at once.
PREVIEW_LIMIT = 50
#: Nobody steps further, and the database counts to each step.
PREVIEW_OFFSET = 100_000
#: People of a draft that are looked at, the first by their phones.
PREVIEW_SAMPLE = 2_000
#: Longest unsaved changes of a form, in characters of JSON.
CHANGES_LIMIT = 1_000_000

#: What of a form's unsaved changes says who gets what.
PREVIEWED_FIELDS = (FROZEN_FIELDS | {"user_id"}) - TIME_FIELDS - {"media_file"}
#: Left out because of a value: shown, so that one sees it.
VALUE_REASONS = ("variable_missing", "too_long")


class WhatsappBroadcast(models.Model):
    """What each person of the audience will see, while it can still be changed."""

    _inherit = "whatsapp.broadcast"

    text_limits = fields.Json(compute="_compute_text_limits")

    @api.depends("number_id")
    def _compute_text_limits(self):
        for broadcast in self:
            account_sudo = broadcast.number_id.sudo().account_id
            broadcast.text_limits = account_sudo and asdict(
                account_sudo._parser().text_limits
            )

    def _check_text_lengths(self):
        """Refuse a text, or a caption, that is longer than the provider takes."""
        kind = {"text": "text", "media": "caption"}.get(self.message_type)
        text = self._longest_text()
        if kind and len(text) > self.text_limits[kind]:
            raise UserError(
                self.env._(
                    "The text has %(count)s characters; at most %(limit)s are allowed.",
                    count=len(text),
                    limit=self.text_limits[kind],
                )
            )

    def get_message_previews(
        self,
        offset=0,
        limit=1,
        changes=None,
        only_problems=False,
        with_count=True,
        message="A",
    ):
        """Return what a message says to people who get it, in a fixed order.

        Of a draft they are those whom a launch would write to, and those whom it would
        leave out for a value only. Nothing is saved. Values are read with the rights
        of who asks, as launching reads them; of a broadcast that has recipients they
        are the recipients'.

        :param int offset: position of the first person, from 0
        :param int limit: number of people, from 1 to PREVIEW_LIMIT
        :param dict changes: what a form holds unsaved, as ``write`` takes it; what
            says nothing of who gets what is ignored, and so is all after draft
        :param bool only_problems: only people with a value that is refused, of the
            first PREVIEW_SAMPLE
        :param bool with_count: whether to count them, which a large audience delays
        :param str message: which one of an A/B test, of ``messages``
        :return: ``{"people": [{"name", "phone", "lang", "template_id", "variables":
            {"body.1": text}, "problems": [{"variable", "kind", "text"}]}], "count",
            "is_more", "messages": [{"name", "label", "template_id"}]}``; ``kind``:
            empty | line_breaks | tabs | spaces | too_long; ``count`` is None if not
            asked for; ``is_more``: there are more than were counted or looked at
        :raise UserError: if an argument cannot be used
        :raise AccessError: if the broadcast, or what it names, may not be read
        """
        _check_range(self.env, offset, limit)
        draft = self._previewed(changes)
        messages = draft._previewed_messages(message)
        if draft._shows_recipients(message):
            found = draft._recipients_page(
                offset, limit, message, only_problems, with_count
            )
        else:
            people, is_more = draft._audience_people(message)
            if only_problems:
                people = [person for person in people if person["problems"]]
            page = people[offset : offset + limit]
            self.env.invalidate_all()  # what others have read is not for this user
            found = {
                "people": [self._named(person) for person in page],
                "count": len(people) if with_count else None,
                "is_more": is_more,
            }
        return {**found, "messages": messages}

    # === THE DRAFT === #

    def _previewed(self, changes):
        """Return this broadcast with a form's unsaved ``changes``, once checked."""
        if self:
            self.ensure_one()
        self.check_access("read" if self else "create")
        if self.state and self.state != "draft":
            return self
        values = self._checked_changes({} if changes is None else changes)
        if not values and self:
            return self
        if not self:
            values.setdefault("company_id", self.env.company.id)
        try:
            # Of those picked, some may be hidden: whether they are active is not asked.
            draft = self.with_context(active_test=False).new(
                values, origin=self or None
            )
            draft = draft.with_env(self.env)
        except (ValueError, TypeError, LookupError, AttributeError):
            raise self._unreadable_changes() from None
        templates = draft.template_id | draft.variant_ids.template_id
        for record in (draft.number_id, templates, draft.user_id):
            record.check_access("read")
        draft._check_template_params()
        return draft

    def _checked_changes(self, changes):
        if not isinstance(changes, dict):
            raise self._unreadable_changes()
        values = {
            name: value
            for name, value in changes.items()
            if name in PREVIEWED_FIELDS and name in self._fields
        }
        if len(json.dumps(values, default=str)) > CHANGES_LIMIT:
            raise UserError(
                self.env._(
                    "Too much was changed to be shown. Save the broadcast first."
                )
            )
        if not all(
            _fits(self._fields[name], values[name], self.env) for name in values
        ):
            raise self._unreadable_changes()
        return values

    def _unreadable_changes(self):
        return UserError(
            self.env._(
                "The changes cannot be read. Give them as a write takes them: "
                '{"template_params": {"body.1": "May 5"}}.'
            )
        )

    def _previewed_messages(self, name):
        """Return the messages of the test, checking that ``name`` is one of them."""
        wordings = self._wordings()
        if name not in list(wordings):
            raise UserError(self.env._("There is no message %s to show.", name))
        return [
            {
                "name": name,
                "label": template.display_name or "",
                "template_id": template.id,
            }
            for name, (template, _params) in wordings.items()
        ]

    # === WHO WOULD GET IT === #

    def _shows_recipients(self, message):
        """Tell whether what was prepared is what this, saved or not, would send.

        Who of a draft is left out has the values of the first message only.
        """
        is_prepared = bool(self.id and self.recipient_count)
        return is_prepared and (message == "A" or self.state != "draft")

    def _audience_people(self, message):
        """Return people of a draft, and whether there are more than were looked at.

        They come out of the statement that a launch writes recipients down by. Their
        names are not read yet: ``record`` says whose they are.
        """
        self.env.flush_all()  # what follows reads the tables
        # To read records forgets all that is not saved: the draft is asked first.
        person = self._person_reader(message)
        asked = self._asked_values()
        chunk, values = self._chunk(self._sources(), "+", most=PREVIEW_SAMPLE)
        self.env.cr.execute(queries.WITHOUT_JIT)
        self.env.cr.execute(
            SQL(
                queries.AUDIENCE_PEOPLE,
                **asked,
                too_long=values.too_long,
                chunk=chunk,
            )
        )
        rows = self.env.cr.dictfetchall()
        shown = (row for row in rows if row["reason"] in (None, *VALUE_REASONS))
        return list(map(person, shown)), len(rows) >= PREVIEW_SAMPLE

    def _person_reader(self, message):
        """Return what makes a person out of a row of ``AUDIENCE_PEOPLE``."""
        own, _params = self._wordings()[message]
        by_language = self._template_by_language()
        keys, offset = self._keys_of_texts(message)
        problems = _problems_by_template(self.message_type)

        def person(row):
            template = by_language.get(row["person_lang"], own)
            texts = (row["texts"] or ())[offset : offset + len(keys)]
            variables = dict(zip(keys, texts, strict=True))
            is_lead = bool(row["lead_id"])
            return {
                "record": (
                    LEAD if is_lead else PARTNER,
                    row["lead_id"] or row["partner_id"],
                ),
                "name": row["name"],
                "phone": row["phone"],
                "lang": template.language or "",
                "template_id": template.id,
                "variables": variables,
                "problems": problems(template, variables),
            }

        return person

    def _keys_of_texts(self, message):
        """Return the names of a message's variables, and where its texts begin."""
        offset = 0
        for name, (template, _params) in self._wordings().items():
            is_template = self.message_type == "template"
            variables = template.variable_ids if is_template else ()
            if name == message:
                return [variable._key() for variable in variables], offset
            offset += len(variables)

    def _named(self, person):
        """Return a person of :meth:`_audience_people` with the name, as it is read."""
        model, id_ = person.pop("record")
        name = id_ and _name_of(self.env[model].browse(id_))
        return {**person, "name": name or person["name"] or person["phone"]}

    # === WHO GETS IT === #

    def _recipients_page(self, offset, limit, message, only_problems, with_count):
        if only_problems:
            people = self._recipients_people(0, PREVIEW_SAMPLE + 1, message)
            found = [person for person in people[:PREVIEW_SAMPLE] if person["problems"]]
            return {
                "people": found[offset : offset + limit],
                "count": len(found),
                "is_more": len(people) > PREVIEW_SAMPLE,
            }
        count = None
        if with_count:
            count = self.env["whatsapp.broadcast.recipient"].search_count(
                self._previewed_rows(message), limit=PREVIEW_OFFSET + 1
            )
        return {
            "people": self._recipients_people(offset, limit, message),
            "count": count and min(count, PREVIEW_OFFSET),
            "is_more": bool(count) and count > PREVIEW_OFFSET,
        }

    def _previewed_rows(self, message):
        """Return the domain of who gets, or may get, a message."""
        domain = Domain("broadcast_id", "=", self.id)
        if self.variant_ids:
            domain &= Domain("variant", "in", (message, False))
        has_address = Domain("address", "!=", False)
        if self.state != "draft":
            return domain & has_address  # a million are read in the order of an index
        return domain & (has_address | Domain("skip_reason", "in", VALUE_REASONS))

    def _recipients_people(self, offset, limit, message):
        recipients = self.env["whatsapp.broadcast.recipient"].search(
            self._previewed_rows(message),
            offset=offset,
            limit=limit,
            order="address, id",
        )
        own, _params = self._wordings()[message]
        problems = _problems_by_template(self.message_type)
        people = []
        for recipient in recipients:
            template = own if self.variant_ids else recipient.template_id or own
            variables = {
                f"{component}.{item[0]}": item[-1]
                for component, items in self._own_variables(recipient, message).items()
                for item in items
            }
            people.append(
                {
                    "name": _name_of(recipient.lead_id or recipient.partner_id)
                    or recipient.display_name,
                    "phone": recipient.phone or "",
                    "lang": recipient.lang or "",
                    "template_id": template.id,
                    "variables": variables,
                    "problems": problems(template, variables),
                }
            )
        return people

    def _own_variables(self, recipient, message):
        variables = recipient.variables or {}
        waits = self.variant_ids and not recipient.variant and not recipient.skip_reason
        # who waits for the end of a test has the values of all messages
        return (variables.get(message) if waits else variables) or {}


def _problems_by_template(message_type):
    """Return what tells the problems of values, (template, {variable: text}) → list."""

    @cache
    def rules_of(template):
        return ValueRules(template)

    def problems(template, variables):
        if message_type != "template" or not template:
            return []
        return rules_of(template).problems(variables)

    return problems


class ValueRules:
    """Which values of one template its provider refuses."""

    def __init__(self, template):
        provider = template.account_id.sudo()._parser()
        self.env = template.env
        self.refused = re.compile(provider.refused_value)
        self.limits = asdict(provider.text_limits)
        self.texts = {"header": template.header_text or "", "body": template.body or ""}
        self.kinds = {
            f"button.{button.index}": button.kind for button in template.button_ids
        }

    def problems(self, variables):
        """Return ``[{"variable", "kind", "text"}]`` for the values of one person."""
        kinds = {key: self._problem(key, text) for key, text in variables.items()}
        kinds |= self._too_long(variables)
        return [
            {"variable": key, "kind": kind, "text": self._words(kind)}
            for key, kind in kinds.items()
            if kind
        ]

    def _problem(self, key, text):
        if not text:
            return "empty"
        if len(text) > self.limits.get(self.kinds.get(key), len(text)):
            return "too_long"
        if not self.refused.search(text):
            return ""
        signs = {"\n": "line_breaks", "\r": "line_breaks", "\t": "tabs"}
        return next((kind for sign, kind in signs.items() if sign in text), "spaces")

    def _too_long(self, variables):
        """Return {longest variable: "too_long"} of each text that gets too long."""
        found = {}
        for component, text in self.texts.items():
            values = {
                key.partition(".")[2]: value
                for key, value in variables.items()
                if key.startswith(f"{component}.")
            }
            filled = PLACEHOLDER.sub(lambda m, v=values: v.get(m[1]) or "", text)
            if values and len(filled) > self.limits[component]:
                longest = max(values, key=lambda name, v=values: len(v[name] or ""))
                found[f"{component}.{longest}"] = "too_long"
        return found

    def _words(self, kind):
        env = self.env
        return {
            "empty": env._("No value: this person would be left out."),
            "line_breaks": env._("A line break is refused: a space is sent instead."),
            "tabs": env._("A tab is refused: a space is sent instead."),
            "spaces": env._("So many spaces in a row are refused: one is sent."),
            "too_long": env._("The text gets too long with this value."),
        }[kind]


def _name_of(record):
    """Return how a person, else a lead, is called; "" if the user may not read it."""
    for path in (*NAME_PATHS[record._name], "name") if record else ():
        try:
            if name := record._find_value_from_field_path(path):
                return name
        except UserError:
            continue
    return ""


def _fits(field, value, env):
    """Tell whether ``value`` is of the kind that a write of ``field`` takes."""
    if field.type == "selection":
        return value in field.get_values(env)
    if field.type == "many2one":
        return value is False or type(value) is int
    if field.relational:
        return isinstance(value, list) and all(
            isinstance(one, list | tuple) and one and one[0] in tuple(Command)
            for one in value
        )
    return True


def _check_range(env, offset, limit):
    def is_whole(value):
        return isinstance(value, int) and not isinstance(value, bool)

    if not (is_whole(offset) and 0 <= offset < PREVIEW_OFFSET):
        raise UserError(env._("The position is a number from 0 to %s.", PREVIEW_OFFSET))
    if not (is_whole(limit) and 1 <= limit <= PREVIEW_LIMIT):
        raise UserError(env._("Ask for 1 to %s people at once.", PREVIEW_LIMIT))
