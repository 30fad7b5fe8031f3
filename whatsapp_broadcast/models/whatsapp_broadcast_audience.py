# One concern, one file: the broadcast in one file would be too long to read.
# pylint: disable=consider-merging-classes-inherited

from odoo import fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain
from odoo.tools import SQL

from ..engine import queries
from .whatsapp_broadcast import PREPARED

#: Records a chunk: one transaction, so that others never wait long.
CHUNK = 20_000
#: Where variables are read through the ORM, which is ten times slower.
CHUNK_THROUGH_ORM = 2_000
#: More than this is not reviewed while the user waits; launching works for any number.
REVIEW_LIMIT = 100_000
#: More than any count.
NO_CAP = 2**31 - 1


class WhatsappBroadcast(models.Model):
    """How an audience becomes recipients: once, in the launcher's eyes, in SQL.

    Chunks go in phone order over all sources, so that records with one phone meet in
    one of them; then those without a valid phone, source by source, in id order.
    ``audience_cursor`` says where the next one begins: ``p<phone>``, ``i<id>,<source>``
    or PREPARED.
    """

    _inherit = "whatsapp.broadcast"

    # === REVIEW === #

    def action_review(self):
        """Prepare the recipients of a draft, so that one sees who is left out and why.

        :raise UserError: if the audience is empty, or too large to wait for
        """
        for broadcast in self:
            broadcast._lock_for_action(("draft",), self.env._("reviewed"))
            broadcast._check_audience()
            broadcast._check_message()
            if not broadcast._is_reviewable():
                raise UserError(
                    self.env._(
                        "More than %s records: their review would take too long. "
                        "Launch, and see under Left Out who was not written to.",
                        REVIEW_LIMIT,
                    )
                )
            broadcast._review()
        return True

    def _review(self):
        self._clear_recipients()
        cursor = self._begin_audience(is_due=False)
        while cursor != PREPARED:
            cursor = self._prepare_chunk(cursor, is_due=False)
        self.invalidate_recordset()

    def _is_reviewable(self):
        return self._audience_size(REVIEW_LIMIT + 1) <= REVIEW_LIMIT

    def action_open_recipients(self):
        """Open the recipients, those who are left out last."""
        self.ensure_one()
        self.check_access("read")
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "whatsapp_broadcast.whatsapp_broadcast_recipient_action"
        )
        action["domain"] = [("broadcast_id", "=", self.id)]
        action["context"] = dict(self.env.context.get("recipient_context") or {})
        return action

    def _clear_recipients(self):
        self.env.cr.execute(queries.CLEAR_RECIPIENTS, {"broadcast_ids": self.ids})
        self.env["whatsapp.broadcast.recipient"].invalidate_model()
        self.invalidate_recordset(["recipient_ids", *self._counter_fields()])

    # === CHUNKS === #

    def _begin_audience(self, is_due):
        """Fix the upper ends of the audience; count what the launcher may not read."""
        self._freeze_versions()
        self.env.flush_all()  # what follows reads the tables
        sources = self._sources()
        bounds = {s.model._name: self._last_id(s.model) for s in sources}
        self._write_protected({"audience_bounds": bounds, "recipient_timezones": False})
        if hidden := sum(source.count_hidden() for source in sources):
            self.env.cr.execute(
                SQL(
                    queries.FREEZE_WITHOUT_ACCESS,
                    **self._freeze_values(is_due),
                    count=hidden,
                )
            )
        return "p+"

    def _last_id(self, model):
        table = SQL.identifier(model._table)
        self.env.cr.execute(SQL("SELECT COALESCE(max(id), 0) FROM %s", table))
        return self.env.cr.fetchone()[0]

    def _prepare_chunk(self, cursor, is_due):
        """Insert the next recipients and return the cursor behind them.

        :param bool is_due: whether they may be sent, unlike those of a review
        """
        sources = self._bounded_sources()
        kind, position = cursor[0], cursor[1:]
        if kind == "p":
            last = self._insert_chunk(sources, position, is_due)
            return f"p{last}" if last else "i0,0"
        last_id, _comma, index = position.partition(",")
        index = int(index or 0)
        last = self._insert_chunk(sources[index : index + 1], int(last_id), is_due)
        if last:
            return f"i{last},{index}"
        return f"i0,{index + 1}" if index + 1 < len(sources) else PREPARED

    def _bounded_sources(self):
        """Return the sources without what came after the launch."""
        return [
            source._replace(
                domain=source.domain
                & Domain("id", "<=", self.audience_bounds[source.model._name])
            )
            for source in self._sources()
        ]

    def _insert_chunk(self, sources, position, is_due):
        """Insert the next recipients of sources.

        :param position: the last phone that was inserted, or the last id of those that
            have no valid phone
        :return: the position of the last one, None if there was none
        """
        chunk, values = self._chunk(sources, position)
        self.env.cr.execute(queries.WITHOUT_JIT)
        self.env.cr.execute(
            SQL(
                queries.FREEZE,
                **self._freeze_values(is_due),
                **self._people_values(),
                **self._window_values(chunk, is_due),
                **self._translation_values(),
                **self._variant_values(),
                variables=values.variables,
                too_long=values.too_long,
                chunk=chunk,
            )
        )
        last, timezones = self.env.cr.fetchone()
        self._add_recipient_timezones(set(timezones or ()))
        return last

    def _chunk(self, sources, position, most=None):
        """Return the query of the next records, and the values of one source.

        What is made of their texts is the same for all sources.

        :param int most: records, but for those that share the last one's phone
        """
        most = most or CHUNK
        by_language = self.in_recipient_language  # what is not saved is forgotten below
        values = [self._all_values(source.model) for source in sources]
        if any(v.needs_orm for v in values):
            most = min(most, CHUNK_THROUGH_ORM)
        parts = [
            _next_records(source, read, position, most, by_language)
            for source, read in zip(sources, values, strict=True)
        ]
        if len(parts) == 1:
            return parts[0], values[0]
        records = SQL(" UNION ALL ").join(SQL("(%s)", part) for part in parts)
        chunk = SQL(queries.NEXT_OF_ALL, records=records, limit=most)
        return chunk, values[0]

    def _freeze_values(self, is_due):
        return {
            "broadcast_id": self.id,
            "company_id": self.company_id.id,
            "account_id": self.account_id.id,
            "number_id": self.number_id.id,
            "template_id": self.template_id.id or None,
            "lang": self.template_id.language or None,
            "is_due": is_due,
        }

    # === WHO OF THEM === #

    def _people_values(self):
        """Return the parameters by which people are left out."""
        company = self.company_id.sudo()
        is_marketing = self.template_category == "marketing"
        cap = company.whatsapp_cap_count if is_marketing else 0
        cap_days = company.whatsapp_cap_days if cap else 0
        return {
            "is_marketing": is_marketing,
            "include_closed": self.include_closed,
            "skip_country_guessed": self.skip_country_guessed,
            "requires_consent": is_marketing
            and company.whatsapp_consent_rule == "require",
            "needs_window": self.message_type != "template",
            "earlier_runs": self._earlier_runs().ids,
            "refused_countries": self._refused_countries(),
            "cap_count": cap or NO_CAP,
            "cap_days": cap_days,
            "exclude_days": self.exclude_days,
            "looks_back": is_marketing or self.exclude_days > 0,
            "look_back": max(cap_days, self.exclude_days, 1),
            "excluded": self._excluded_phones(),
        }

    def _refused_countries(self):
        """Return the ISO codes of the countries that this message may not go to."""
        restrictions = self.env["whatsapp.broadcast.restriction"].sudo()
        today = fields.Date.to_date(self._now())
        return restrictions._in_force(self.template_category, today)

    def _excluded_phones(self):
        """Return the query of the phones, within a chunk, on lists that are left out.

        Read with all rights: who is on such a list gets nothing, whoever may see it.
        """
        if not self.exclude_list_ids:
            return SQL(queries.NO_PHONES)
        sources = self.sudo()._sources_of_lists(self.exclude_list_ids)
        return SQL(" UNION ALL ").join(map(self._phones_within_chunk, sources))

    def _phones_within_chunk(self, source):
        query = source.model._search(source.domain)
        phone = SQL.identifier(query.table, source.phone)
        query.add_where(SQL(queries.WITHIN_CHUNK, phone=phone))
        return query.select(SQL("%s AS phone", phone))


def _next_records(source, values, position, limit, by_language):
    """Return the query of the next records of one source."""
    model, name = source.model, source.phone
    if isinstance(position, str):
        rest = Domain(name, ">", position)
    else:
        rest = Domain(name, "in", [False, ""]) & Domain("id", ">", position)
        name = "id"
    query = model._search(source.domain & rest)
    if values.needs_orm:
        ids = _next_ids(model.env, query, name, limit)
        query = model._search(Domain("id", "in", ids), active_test=False)
        values.resolve(query, ids)
    columns = source.columns(
        position=SQL.identifier(model._table, name),
        texts=values.texts,
        by_language=by_language,
    )
    return SQL(queries.NEXT_RECORDS, records=query.select(columns), limit=limit)


def _next_ids(env, query, position, limit):
    columns = SQL(
        "%s, %s AS position",
        SQL.identifier(query.table, "id"),
        SQL.identifier(query.table, position),
    )
    chunk = SQL(queries.NEXT_RECORDS, records=query.select(columns), limit=limit)
    return [id_ for id_, _position in env.execute_query(chunk)]
