# One concern, one file: the broadcast in one file would be too long to read.
# pylint: disable=consider-merging-classes-inherited

import json
import re
from dataclasses import asdict

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Command, Domain

from .whatsapp_broadcast import FROZEN_FIELDS, TIME_FIELDS
from .whatsapp_broadcast_sources import LEAD, PARTNER, READERS
from .whatsapp_broadcast_template import PLACEHOLDER
from .whatsapp_broadcast_template_variable import NAME_PATHS

#: People previewed at once.
PREVIEW_LIMIT = 50
#: Nobody steps further, and the database counts to each step.
PREVIEW_OFFSET = 100_000
#: People whose values are looked at to find those with a problem.
PROBLEM_SAMPLE = 2_000
#: Longest unsaved changes of a form, in characters of JSON.
CHANGES_LIMIT = 1_000_000

#: What of a form's unsaved changes says who gets what.
PREVIEWED_FIELDS = (FROZEN_FIELDS | {"user_id"}) - TIME_FIELDS - {"media_file"}
#: Left out because of a value: shown, so that one sees it.
VALUE_REASONS = ("variable_missing", "too_long")

#: Who gets a message only where the broadcast includes those who are closed.
OPEN = {
    LEAD: Domain("active", "=", True) & Domain("won_status", "not in", ("won", "lost")),
    PARTNER: Domain("active", "=", True),
}


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
        self, offset=0, limit=1, changes=None, only_problems=False, with_count=True
    ):
        """Return what the message says to people of the audience, in a fixed order.

        Nothing is saved. Values are read with the rights of who asks, as launching
        reads them; of a broadcast that has recipients they are the recipients'.

        :param int offset: position of the first person, from 0
        :param int limit: number of people, from 1 to PREVIEW_LIMIT
        :param dict changes: what a form holds unsaved, as ``write`` takes it; what
            says nothing of who gets what is ignored, and so is all after draft
        :param bool only_problems: only people with a value that is refused, of the
            first PROBLEM_SAMPLE
        :param bool with_count: whether to count them, which a large audience delays
        :return: ``{"people": [{"name", "phone", "lang", "variables": {"body.1": text},
            "problems": [{"variable", "kind", "text"}]}], "count", "is_more"}``;
            ``kind``: empty | line_breaks | tabs | spaces | too_long; ``count`` is None
            if not asked for; ``is_more``: there are more than were counted or looked at
        :raise UserError: if an argument cannot be used
        :raise AccessError: if the broadcast, or what it names, may not be read
        """
        _check_range(self.env, offset, limit)
        draft = self._previewed(changes)
        if only_problems:
            people = draft._preview_people(0, PROBLEM_SAMPLE + 1)
            found = [person for person in people[:PROBLEM_SAMPLE] if person["problems"]]
            return {
                "people": found[offset : offset + limit],
                "count": len(found),
                "is_more": len(people) > PROBLEM_SAMPLE,
            }
        count = draft._preview_count() if with_count else None
        return {
            "people": draft._preview_people(offset, limit),
            "count": count and min(count, PREVIEW_OFFSET),
            "is_more": bool(count) and count > PREVIEW_OFFSET,
        }

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
        for record in (draft.number_id, draft.template_id, draft.user_id):
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

    # === THE PEOPLE === #

    def _preview_people(self, offset, limit):
        """Return the people at ``offset``, as :meth:`get_message_previews` does."""
        template = self.message_type == "template" and self.template_id
        rules = template and ValueRules(template)
        if self._has_recipients():
            people = self._preview_of_recipients(offset, limit)
        else:
            people = self._preview_of_records(offset, limit)
        for person in people:
            person["problems"] = rules.problems(person["variables"]) if rules else []
        return people

    def _has_recipients(self):
        """Tell whether what was prepared is what this, saved or not, would send."""
        return bool(self.id and self.recipient_count)

    def _preview_count(self):
        """Return the number of people, up to one more than PREVIEW_OFFSET."""
        limit = PREVIEW_OFFSET + 1
        if self._has_recipients():
            recipients = self.recipient_ids.browse()
            return recipients.search_count(self._preview_rows(), limit=limit)
        count = 0
        for source in self._preview_sources():
            count += source.count(limit - count)
            if count >= limit:
                break
        return count

    def _preview_sources(self):
        """Return the audience's sources, narrowed to whom a message can reach."""
        for source in self._sources():
            domain = source.domain & Domain(source.phone, "!=", False)
            if not self.include_closed:
                domain &= OPEN.get(source.model._name, Domain.TRUE)
            yield source._replace(domain=domain)

    def _preview_records(self, offset, limit):
        """Return people whom the user may read, a list of recordsets.

        In the order of the sources, and in each by id, which takes no sorting.
        """
        parts = []
        for source in self._preview_sources():
            found = source.model.search(
                source.domain, offset=offset, limit=limit, order="id"
            )
            offset = 0 if found else offset and offset - source.count(offset)
            limit -= len(found)
            parts.append(found)
            if not limit:
                break
        return parts

    def _preview_of_records(self, offset, limit):
        variables = self.env["whatsapp.broadcast.template.variable"]
        if self.message_type == "template":
            variables = self.template_id.variable_ids
        keys = [variable._key() for variable in variables]
        lang = self.template_id.language or ""
        parts = self._preview_records(offset, limit)
        values = [self._values(records.browse()) for records in parts]
        # To read forgets all that is not saved: the draft is not asked any more.
        return [
            person
            for records, read in zip(parts, values, strict=True)
            for person in _people_of(records, keys, read, lang)
        ]

    def _preview_rows(self):
        """Return the domain of who gets, or may get, the broadcast's own message."""
        domain = Domain("broadcast_id", "=", self.id)
        if self.variant_ids:
            domain &= Domain("variant", "in", ("A", False))
        has_address = Domain("address", "!=", False)
        if self.state != "draft":
            return domain & has_address  # a million are read in the order of an index
        return domain & (has_address | Domain("skip_reason", "in", VALUE_REASONS))

    def _preview_of_recipients(self, offset, limit):
        recipients = self.recipient_ids.browse().search(
            self._preview_rows(), offset=offset, limit=limit, order="address, id"
        )
        return [
            {
                "name": _name_of(recipient.lead_id or recipient.partner_id)
                or recipient.display_name,
                "phone": recipient.phone or "",
                "lang": recipient.lang or "",
                "variables": {
                    f"{component}.{item[0]}": item[-1]
                    for component, items in self._own_variables(recipient).items()
                    for item in items
                },
            }
            for recipient in recipients
        ]

    def _own_variables(self, recipient):
        variables = recipient.variables or {}
        waits = self.variant_ids and not recipient.variant and not recipient.skip_reason
        # who waits for the end of a test has the values of all messages
        return (variables.get("A") if waits else variables) or {}


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


def _people_of(records, keys, values, lang):
    """Return the people that records are, with the values of their variables."""
    texts = values.texts_of(records.ids)
    records.env.invalidate_all()  # what others have read is not for this user
    phone = READERS[records._name][1]
    return [
        {
            "name": _name_of(record),
            "phone": record[phone],
            "lang": lang,
            "variables": dict(zip(keys, texts[record.id] or (), strict=True)),
        }
        for record in records
    ]


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
