# One concern, one file: the broadcast in one file would be too long to read.
# pylint: disable=consider-merging-classes-inherited

from ast import literal_eval
from typing import NamedTuple

from odoo import api, models
from odoo.exceptions import UserError
from odoo.fields import Command, Domain
from odoo.tools import SQL

from ..engine import queries
from .whatsapp_broadcast_recipient import RETRYABLE_CLASSES
from .whatsapp_broadcast_values import ROW

#: Odoo's web client hands over this many ids at most; beyond, it is the filter.
SELECTION_LIMIT = 20_000

LEAD = "crm.lead"
PARTNER = "res.partner"
MEMBER = "whatsapp.broadcast.list.member"
RECIPIENT = "whatsapp.broadcast.recipient"

#: Model of the records → (what the freeze reads of them, field with the E.164 phone).
READERS = {
    LEAD: (queries.LEAD_COLUMNS, "phone_sanitized"),
    PARTNER: (queries.PARTNER_COLUMNS, "phone_sanitized"),
    MEMBER: (queries.MEMBER_COLUMNS, "phone_sanitized"),
    ROW: (queries.ROW_COLUMNS, "phone_sanitized"),
    RECIPIENT: (queries.RECIPIENT_COLUMNS, "address"),
}

#: Audience type → where a selection of records is kept, and their model.
SELECTIONS = {"leads": ("lead_ids", LEAD), "contacts": ("partner_ids", PARTNER)}

#: Of recipients, in SQL so that it also speaks of states that are in no index.
RESULTS = {
    "not_delivered": [("state", "in", ("accepted", "sent", "held", "failed"))],
    "not_read": [("state", "=", "delivered")],
    "not_replied": [("state", "=", "read"), ("replied_at", "=", False)],
    "replied": [("replied_at", "!=", False)],
    "failed_retryable": [
        ("state", "=", "failed"),
        ("error_class", "in", RETRYABLE_CLASSES),
    ],
    # Whose state is unknown may have been reached; the others' failures would repeat.
    "not_reached": [
        "|",
        ("state", "in", ("queued", "cancelled")),
        "&",
        ("state", "=", "failed"),
        ("error_class", "in", RETRYABLE_CLASSES),
    ],
}


class Source(NamedTuple):
    """Records that are part of an audience.

    ``model`` is one of :data:`READERS`, in the environment of who reads them;
    ``is_picked``: each was named, so that those whom the reader may not read are
    counted.
    """

    model: models.BaseModel
    domain: Domain
    is_picked: bool = False

    @property
    def phone(self):
        return READERS[self.model._name][1]

    def columns(self, **values):
        """Return what the freeze reads of a record, as the columns of a query."""
        return SQL(READERS[self.model._name][0], **values)

    def count(self, limit=None):
        return self.model.search_count(self.domain, limit=limit)

    def count_hidden(self):
        """Return how many of the picked records the reader may not read."""
        if not self.is_picked:
            return 0
        return self.model.sudo().search_count(self.domain) - self.count()


class WhatsappBroadcast(models.Model):
    """Whom a broadcast is for: the records that its audience is made of."""

    _inherit = "whatsapp.broadcast"

    # === FROM A SELECTION === #

    @api.model
    def _action_from_selection(self, model, context):
        """Open a new draft for what is selected in a list of ``model``.

        :param dict context: ``active_ids`` and, from a list, ``active_domain``
        """
        self.check_access("create")
        ids = context.get("active_ids") or []
        if not ids:
            raise UserError(self.env._("Select at least one record."))
        values = {"audience_model": model}
        if len(ids) >= SELECTION_LIMIT and context.get("active_domain"):
            values["audience_type"] = "filter"
            values["audience_domain"] = repr(context["active_domain"])
        else:
            is_lead = model == LEAD
            values["audience_type"] = "leads" if is_lead else "contacts"
            values["lead_ids" if is_lead else "partner_ids"] = [Command.set(ids)]
        if not self._default_number():
            raise UserError(
                self.env._(
                    "No number can send yet. Ask an administrator to connect an "
                    "account under WhatsApp / Configuration."
                )
            )
        # Saved at once: thousands of ids in an unsaved form take the client minutes.
        broadcast = self.create(values)
        return {
            "type": "ir.actions.act_window",
            "res_model": "whatsapp.broadcast",
            "res_id": broadcast.id,
            "view_mode": "form",
            "views": [(False, "form")],
        }

    def _add_picked(self, records):
        """Add to the selection of a broadcast that was launched in this transaction."""
        name = SELECTIONS[self.audience_type][0]
        records.with_env(self.env).check_access("read")
        self._write_protected({name: [Command.link(id_) for id_ in records.ids]})

    # === SOURCES === #

    def _sources(self):
        """Return the list of :class:`Source` of the audience, as read by the user."""
        self.ensure_one()
        if self.audience_type in SELECTIONS:
            return [self._selected_source(*SELECTIONS[self.audience_type])]
        return getattr(self, f"_{self.audience_type}_sources")()

    def _selected_source(self, name, model):
        picked = self.sudo().with_context(active_test=False)[name].ids
        # A selection too large for a list of ids is kept as the list's filter.
        if self.audience_domain and not picked:
            return self._filter_sources()[0]
        # Archived records were picked by hand: they are to be listed as left out.
        model = self.env[model].with_context(active_test=False)
        return Source(model, Domain("id", "in", picked), is_picked=True)

    def _filter_sources(self):
        model = self.env[self.audience_model]
        return [Source(model, self._read_domain(model, self.audience_domain))]

    def _list_sources(self):
        return self._sources_of_lists(self.list_ids)

    def _sources_of_lists(self, lists):
        """Return the sources of lists, in which no record comes twice."""
        lists.check_access("read")
        subscribed = [("list_id", "in", lists.ids), ("state", "=", "subscribed")]
        leads, partners, phones = self._sources_named_by(MEMBER, Domain(subscribed))
        saved = lists.filtered(lambda one: one.list_type == "filter")
        filters = (
            self._source_of_filters(saved.filtered(lambda f, m=m: f.model == m), named)
            for m, named in ((LEAD, leads), (PARTNER, partners))
        )
        return [leads, partners, phones, *filter(None, filters)]

    def _source_of_filters(self, lists, named):
        """Return what saved filters find beside the ``named``; None without one."""
        if not lists:
            return None
        model = self.env[named.model._name]
        domain = Domain.OR(self._read_domain(model, one.domain) for one in lists)
        return Source(model, domain & ~named.domain)

    def _custom_sources(self):
        return [Source(self.env[ROW], Domain("broadcast_id", "=", self._origin.id))]

    def _broadcast_sources(self):
        earlier = Domain("broadcast_id", "in", self.earlier_broadcast_ids.ids)
        result = Domain(RESULTS[self.earlier_result])
        return self._sources_named_by(RECIPIENT, earlier & result)

    def _sources_named_by(self, model, domain):
        """Return the leads, the contacts and the bare phones that records name.

        :param str model: has ``lead_id`` and ``partner_id``
        """
        with_lead = Domain("lead_id", "!=", False)
        with_partner = Domain("partner_id", "!=", False)

        def named(comodel, link, condition):
            # Members of a list that the user may read: those that name a record that
            # he may not read are counted.
            rows = self.env[model].sudo(model == MEMBER)
            query = rows._search(domain & condition)
            ids = query.subselect(SQL.identifier(query.table, link))
            records = self.env[comodel].with_context(active_test=False)
            return Source(records, Domain("id", "in", ids), is_picked=True)

        return [
            named(LEAD, "lead_id", with_lead),
            named(PARTNER, "partner_id", ~with_lead & with_partner),
            Source(self.env[model], domain & ~with_lead & ~with_partner),
        ]

    def _read_domain(self, model, text):
        try:
            domain = Domain(literal_eval(text or "[]"))
            domain.validate(model)
        except (ValueError, SyntaxError, TypeError) as error:
            raise UserError(
                self.env._("The filter cannot be read: %s", str(error)[:200])
            ) from None
        return domain

    # === SIZE === #

    def _audience_size(self, limit=None):
        """Return how many records were found, ``limit`` at most."""
        count = 0
        for source in self._sources():
            count += source.count(limit and limit - count)
            if limit and count >= limit:
                break
        return count

    def _first_record(self):
        """Return a record of the audience, or an empty one."""
        for source in self._sources():
            if record := source.model.search(source.domain, limit=1):
                return record
        return self.env[self.audience_model]

    def _check_audience(self):
        if not self._audience_size(limit=1):
            raise UserError(
                self.env._(
                    "The audience is empty: choose leads or contacts that you may read."
                )
            )
