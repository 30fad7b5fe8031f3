# One concern, one file: the broadcast in one file would be too long to read.
# pylint: disable=consider-merging-classes-inherited

import json
import logging
from ast import literal_eval

import psycopg2

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.fields import Command, Domain
from odoo.tools import SQL

from ..engine import queries
from .whatsapp_broadcast import PREPARED

_logger = logging.getLogger(__name__)

#: Records a chunk: one transaction, so that others never wait long.
CHUNK = 20_000
#: With variables each record is read through the ORM.
CHUNK_WITH_VARIABLES = 1_000
#: More than this is not reviewed while the user waits; launching works for any number.
REVIEW_LIMIT = 100_000
#: Odoo's web client hands over this many ids at most; beyond, it is the filter.
SELECTION_LIMIT = 20_000

SOURCES = {
    "crm.lead": queries.SOURCE_LEADS,
    "res.partner": queries.SOURCE_PARTNERS,
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
            cursor = broadcast._begin_audience(due_at=None)
            while cursor != PREPARED:
                cursor = broadcast._prepare_chunk(cursor, due_at=None)
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

    def _begin_audience(self, due_at):
        """Fix the upper end of the audience; count what the launcher may not read."""
        self.env.flush_all()  # what follows reads the tables
        self.env.cr.execute(
            SQL(
                "SELECT COALESCE(max(id), 0) FROM %s",
                SQL.identifier(self.env[self.audience_model]._table),
            )
        )
        self._write_protected({"audience_bound": self.env.cr.fetchone()[0]})
        picked = self._picked()
        if picked is not None and (hidden := len(picked) - self._audience_size()):
            self.env.cr.execute(
                SQL(
                    queries.FREEZE_WITHOUT_ACCESS,
                    **self._freeze_values(due_at),
                    count=hidden,
                )
            )
        return "p+"

    def _prepare_chunk(self, cursor, due_at):
        """Insert the next recipients and return the cursor behind them."""
        kind, position = cursor[0], cursor[1:]
        if kind == "p":
            upper = self._chunk_end(position)
            if not upper:
                return "i0"
            self._insert_chunk(
                Domain("phone_sanitized", ">", position)
                & Domain("phone_sanitized", "<=", upper),
                due_at,
            )
            return f"p{upper}"
        ids = self._next_ids(int(position))
        if not ids:
            return PREPARED
        self._insert_chunk(Domain("id", "in", ids), due_at)
        return f"i{ids[-1]}"

    def _chunk_end(self, position):
        model, domain = self._bounded_audience()
        query = model._search(
            domain & Domain("phone_sanitized", ">", position),
            order="phone_sanitized, id",
            limit=self._chunk_size(),
        )
        phones = query.select(SQL.identifier(model._table, "phone_sanitized"))
        self.env.cr.execute(SQL(queries.CHUNK_END, phones=phones))
        return self.env.cr.fetchone()[0]

    def _next_ids(self, position):
        model, domain = self._bounded_audience()
        query = model._search(
            domain
            & Domain("phone_sanitized", "in", [False, ""])
            & Domain("id", ">", position),
            order="id",
            limit=CHUNK,
        )
        return list(query)

    def _bounded_audience(self):
        model, domain = self._audience()
        return model, domain & Domain("id", "<=", self.audience_bound)

    def _chunk_size(self):
        return CHUNK_WITH_VARIABLES if self._variables() else CHUNK

    def _insert_chunk(self, domain, due_at):
        model, audience = self._bounded_audience()
        query = model._search(audience & domain)
        source = SQL(SOURCES[self.audience_model], audience=query.subselect())
        self.env.cr.execute(
            SQL(queries.FREEZE, **self._freeze_values(due_at), source=source)
        )
        rows = self.env.cr.fetchall()
        if self._variables():
            self._set_variables([row[:3] for row in rows if row[3] == "queued"])

    def _freeze_values(self, due_at):
        return {
            "broadcast_id": self.id,
            "company_id": self.company_id.id,
            "account_id": self.account_id.id,
            "number_id": self.number_id.id,
            "template_id": self.template_id.id or None,
            "lang": self.template_id.language or None,
            "due_at": due_at,
            "include_closed": self.include_closed,
            "is_marketing": self.template_category == "marketing",
            "needs_window": self.message_type != "template",
            "window_start": fields.Datetime.subtract(
                fields.Datetime.now(), hours=23, minutes=58
            ),
        }

    # === VARIABLES === #

    def _variables(self):
        if self.message_type != "template":
            return self.env["whatsapp.broadcast.template.variable"]
        return self.template_id.variable_ids

    def _set_variables(self, rows):
        """Resolve the variables of ``rows`` once, with the launcher's rights.

        :param rows: list of (recipient id, lead id, partner id)
        """
        if not rows:
            return
        # What others read before, in this transaction, is not for the launcher's eyes.
        self.env.invalidate_all()
        position = 1 if self.audience_model == "crm.lead" else 2
        records = self.env[self.audience_model].browse(row[position] for row in rows)
        resolved = [self._resolve(record) for record in records]
        self.env.cr.execute(
            queries.SET_VARIABLES,
            {
                "ids": [row[0] for row in rows],
                "variables": [json.dumps(values) for values, _missing in resolved],
                "missing": [missing for _values, missing in resolved],
            },
        )

    def _resolve(self, record):
        """Return (values, whether one is missing).

        Values are {"header" and "body": [[name, value], …], "button": [[index, kind,
        value], …]}, as ``channel`` reads them.
        """
        kinds = {button.index: button.kind for button in self.template_id.button_ids}
        values, missing = {}, False
        for variable in self._variables():
            value = variable._value(record, self.template_params or {}, self.user_id)
            missing = missing or not value
            index = variable.button_index
            values.setdefault(variable.component, []).append(
                [index, kinds.get(index, "url"), value]
                if variable.component == "button"
                else [variable.name, value]
            )
        return values, missing

    # === CRON === #

    @api.model
    def _cron_prepare(self):
        """Start what is due and freeze audiences, chunk by chunk, for ten seconds."""
        self.env["whatsapp.broadcast.lane"]._guard_copy()
        self._start_scheduled()
        self = self.with_context(active_test=False)  # noqa: PLW0642
        for broadcast in self.search([("state", "=", "preparing")], order="id"):
            if not broadcast._prepare():
                self._wake("prepare")
                break
        self.env["ir.cron"]._commit_progress(remaining=0)

    def _start_scheduled(self):
        now = fields.Datetime.now()
        due = self.with_context(active_test=False).search(
            [("state", "=", "scheduled"), ("scheduled_at", "<=", now)]
        )
        for broadcast in due.try_lock_for_update(allow_referencing=True):
            broadcast._set_state("preparing")
        self.env["ir.cron"]._commit_progress(len(due))

    def _prepare(self):
        """Freeze the audience; return False if time ran out before its end."""
        while self._still_preparing():
            try:
                self._as_launcher()._prepare_step()
            except (psycopg2.OperationalError, psycopg2.IntegrityError):
                raise  # passes by itself: the next call of the cron tries again
            except AccessError as error:
                self._fail("launcher", str(error))
            except UserError as error:
                self._fail("message", str(error))
            except Exception as error:  # one broken broadcast must not hold up others
                _logger.exception("Broadcast %s could not be prepared", self.id)
                self._fail("message", repr(error))
            if self.env["ir.cron"]._commit_progress(1) <= 0:
                return False
        return True

    def _fail(self, reason, detail):
        self.env.cr.rollback()
        self._set_state("failed", reason=reason, detail=detail[:500])

    def _still_preparing(self):
        """Lock the broadcast; False if somebody changed or is changing it."""
        locked = self.try_lock_for_update(allow_referencing=True)
        return bool(locked) and locked.state == "preparing"

    def _prepare_step(self):
        due_at = fields.Datetime.now()
        if self.audience_cursor:
            cursor = self._prepare_chunk(self.audience_cursor, due_at)
        else:
            self._check_message()
            self._upload_media()
            self._clear_recipients()
            cursor = self._begin_audience(due_at)
        self._write_protected({"audience_cursor": cursor})
        if cursor == PREPARED:
            self._finish_prepare()

    def _finish_prepare(self):
        counters = self._read_counters()[self.id]
        if counters["recipient_count"] == counters["skipped_count"]:
            self._set_state("failed", reason="nobody")
        else:
            self._set_state("sending")
            self._wake("send")

    def _upload_media(self):
        """Upload the file once; every message then names its id."""
        if not self.media_file or self.media_id:
            return
        content, mimetype = self._read_media()
        with self.account_id._remote() as (provider, call):
            media_id = provider.upload_media(
                call,
                self.number_id.sudo().external_id,
                content,
                mimetype,
                self.media_filename or "file",
            )
        self._write_protected({"media_id": media_id})
