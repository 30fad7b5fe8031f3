# One concern, one file: the broadcast in one file would be too long to read.
# pylint: disable=consider-merging-classes-inherited

from ast import literal_eval

from odoo import api, models
from odoo.exceptions import UserError
from odoo.fields import Command, Domain
from odoo.tools import SQL

from ..engine import queries
from .whatsapp_broadcast import PREPARED

#: Records a chunk: one transaction, so that others never wait long.
CHUNK = 20_000
#: Where variables are read through the ORM, which is ten times slower.
CHUNK_THROUGH_ORM = 2_000
#: More than this is not reviewed while the user waits; launching works for any number.
REVIEW_LIMIT = 100_000
#: Odoo's web client hands over this many ids at most; beyond, it is the filter.
SELECTION_LIMIT = 20_000

COLUMNS = {
    "crm.lead": queries.LEAD_COLUMNS,
    "res.partner": queries.PARTNER_COLUMNS,
}


class WhatsappBroadcast(models.Model):
    """How an audience becomes recipients: once, in the launcher's eyes, in SQL.

    Chunks go in phone order, then those without a valid phone in id order.
    ``audience_cursor`` says where the next one begins: ``p<phone>``, ``i<id>`` or
    PREPARED.
    """

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
            is_lead = model == "crm.lead"
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
            broadcast._clear_recipients()
            cursor = broadcast._begin_audience(is_due=False)
            while cursor != PREPARED:
                cursor = broadcast._prepare_chunk(cursor, is_due=False)
            broadcast.invalidate_recordset()
        return True

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

    # === AUDIENCE === #

    def _audience(self):
        """Return the audience's model and domain, in the present environment."""
        self.ensure_one()
        model = self.env[self.audience_model]
        picked = self._picked()
        if picked is not None:
            # Archived records were picked by hand: they are to be listed as left out.
            return model.with_context(active_test=False), Domain("id", "in", picked)
        return model, self._parse_domain()

    def _picked(self):
        """Return the ids picked by hand, readable or not, or None for a filter."""
        if self.audience_type == "filter":
            return None
        broadcast_sudo = self.sudo().with_context(active_test=False)
        name = "lead_ids" if self.audience_model == "crm.lead" else "partner_ids"
        picked = broadcast_sudo[name].ids
        # A selection too large for a list of ids is kept as the list's filter.
        return None if self.audience_domain and not picked else picked

    def _add_picked(self, records):
        """Add to the selection of a broadcast that was launched in this transaction."""
        name = "lead_ids" if self.audience_model == "crm.lead" else "partner_ids"
        records.with_env(self.env).check_access("read")
        self._write_protected({name: [Command.link(id_) for id_ in records.ids]})

    def _parse_domain(self):
        try:
            domain = Domain(literal_eval(self.audience_domain or "[]"))
            domain.validate(self.env[self.audience_model])
        except (ValueError, SyntaxError, TypeError) as error:
            raise UserError(
                self.env._("The filter cannot be read: %s", str(error)[:200])
            ) from None
        return domain

    def _audience_size(self, limit=None):
        model, domain = self._audience()
        return model.search_count(domain, limit=limit)

    def _check_audience(self):
        if not self._audience_size(limit=1):
            raise UserError(
                self.env._(
                    "The audience is empty: choose leads or contacts that you may read."
                )
            )

    # === CHUNKS === #

    def _begin_audience(self, is_due):
        """Fix the upper end of the audience; count what the launcher may not read."""
        self.env.flush_all()  # what follows reads the tables
        self.env.cr.execute(
            SQL(
                "SELECT COALESCE(max(id), 0) FROM %s",
                SQL.identifier(self.env[self.audience_model]._table),
            )
        )
        bound = self.env.cr.fetchone()[0]
        self._write_protected({"audience_bound": bound, "recipient_timezones": False})
        picked = self._picked()
        if picked is not None and (hidden := len(picked) - self._audience_size()):
            self.env.cr.execute(
                SQL(
                    queries.FREEZE_WITHOUT_ACCESS,
                    **self._freeze_values(is_due),
                    count=hidden,
                )
            )
        return "p+"

    def _prepare_chunk(self, cursor, is_due):
        """Insert the next recipients and return the cursor behind them.

        :param bool is_due: whether they may be sent, unlike those of a review
        """
        kind, position = cursor[0], cursor[1:]
        if kind == "p":
            domain = Domain("phone_sanitized", ">", position)
            last = self._insert_chunk(domain, "phone_sanitized", is_due)
            return f"p{last}" if last else "i0"
        domain = Domain("phone_sanitized", "in", [False, ""])
        domain &= Domain("id", ">", int(position))
        last = self._insert_chunk(domain, "id", is_due)
        return f"i{last}" if last else PREPARED

    def _insert_chunk(self, domain, position, is_due):
        """Insert the next recipients in ``domain``, in order of the field ``position``.

        :return: the position of the last one, None if there was none
        """
        chunk, values = self._chunk(domain, position)
        self.env.cr.execute(queries.WITHOUT_JIT)
        self.env.cr.execute(
            SQL(
                queries.FREEZE,
                **self._freeze_values(is_due),
                **self._window_values(chunk, is_due),
                earlier_runs=self._earlier_runs().ids,
                variables=values.variables,
                chunk=chunk,
            )
        )
        last, timezones = self.env.cr.fetchone()
        self._add_recipient_timezones(set(timezones or ()))
        return last

    def _chunk(self, domain, position):
        """Return the query of the next records, and the values of their variables."""
        model, audience = self._audience()
        bound = Domain("id", "<=", self.audience_bound)
        query = model._search(audience & domain & bound)
        values = self._values(model)
        limit = CHUNK
        if values.needs_orm:
            limit = CHUNK_THROUGH_ORM
            ids = self._next_ids(query, position, limit)
            query = model._search(Domain("id", "in", ids), active_test=False)
            values.resolve(query, ids)
        columns = SQL(
            COLUMNS[model._name],
            position=SQL.identifier(model._table, position),
            texts=values.texts,
        )
        records = query.select(columns)
        return SQL(queries.NEXT_RECORDS, records=records, limit=limit), values

    def _next_ids(self, query, position, limit):
        columns = SQL(
            "%s, %s AS position",
            SQL.identifier(query.table, "id"),
            SQL.identifier(query.table, position),
        )
        chunk = SQL(queries.NEXT_RECORDS, records=query.select(columns), limit=limit)
        return [id_ for id_, _position in self.env.execute_query(chunk)]

    def _freeze_values(self, is_due):
        return {
            "broadcast_id": self.id,
            "company_id": self.company_id.id,
            "account_id": self.account_id.id,
            "number_id": self.number_id.id,
            "template_id": self.template_id.id or None,
            "lang": self.template_id.language or None,
            "is_due": is_due,
            "include_closed": self.include_closed,
            "is_marketing": self.template_category == "marketing",
            "requires_consent": self.template_category == "marketing"
            and self.company_id.whatsapp_consent_rule == "require",
            "needs_window": self.message_type != "template",
        }
