from ast import literal_eval

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain
from odoo.tools import SQL

from ..engine import queries
from ..models.whatsapp_broadcast_sources import SELECTION_LIMIT


class WhatsappBroadcastListAdd(models.TransientModel):
    """Asks to which list the selected people go."""

    _name = "whatsapp.broadcast.list.add"
    _description = "Add to a WhatsApp List"

    model = fields.Selection(
        [
            ("crm.lead", "Leads"),
            ("res.partner", "Contacts"),
            ("whatsapp.broadcast.recipient", "Recipients"),
        ],
        required=True,
        readonly=True,
    )
    record_ids = fields.Json(readonly=True)
    domain = fields.Char(readonly=True)
    record_count = fields.Integer("Selected", compute="_compute_record_count")
    can_create = fields.Boolean(compute="_compute_can_create")
    target = fields.Selection(
        [("list", "A list"), ("new", "A new list")], required=True, default="list"
    )
    list_id = fields.Many2one(
        "whatsapp.broadcast.list", domain=[("list_type", "=", "members")]
    )
    name = fields.Char("Name of the List")

    # === OPENING === #

    @api.model
    def _open(self, model, context):
        """Open the question for what is selected in a list of ``model``."""
        ids = context.get("active_ids") or []
        if not ids:
            raise UserError(self.env._("Select at least one record."))
        values = {"model": model}
        if len(ids) >= SELECTION_LIMIT and context.get("active_domain"):
            values["domain"] = repr(context["active_domain"])
        else:
            values["record_ids"] = ids
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Add to WhatsApp List"),
            "res_model": self._name,
            "res_id": self.create(values).id,
            "views": [(False, "form")],
            "target": "new",
        }

    @api.depends("model", "record_ids", "domain")
    def _compute_record_count(self):
        for wizard in self:
            records = wizard._records()
            wizard.record_count = records.search_count(wizard._selected())

    @api.depends_context("uid")
    def _compute_can_create(self):
        lists = self.env["whatsapp.broadcast.list"]
        self.can_create = lists.has_access("create")

    # === ADDING === #

    def action_add(self):
        """Add who was selected, as far as the user may read them; say how many."""
        self.ensure_one()
        self.env["whatsapp.broadcast.list.member"].check_access("create")
        list_ = self._list()
        self.env.flush_all()
        found, added, unsubscribed = self.env.execute_query(
            SQL(
                queries.ADD_MEMBERS,
                found=self._found(),
                list_id=list_.id,
                user_id=self.env.uid,
                source=dict(self._fields["model"]._description_selection(self.env))[
                    self.model
                ],
            )
        )[0]
        list_.invalidate_recordset()
        return self._say(list_, added, found - added, unsubscribed)

    def _list(self):
        lists = self.env["whatsapp.broadcast.list"]
        if self.target == "new":
            if not (self.name or "").strip():
                raise UserError(self.env._("Give the new list a name."))
            return lists.create({"name": self.name})
        if not self.list_id:
            raise UserError(self.env._("Choose a list."))
        self.list_id.check_access("read")
        if self.list_id.list_type == "filter":
            raise UserError(
                self.env._("A saved filter finds its people by itself: choose another.")
            )
        return self.list_id

    def _records(self):
        """Return the model to search in: what was picked by hand may be archived."""
        records = self.env[self.model]
        return records if self.domain else records.with_context(active_test=False)

    def _selected(self):
        if self.domain:
            return Domain(literal_eval(self.domain))
        return Domain("id", "in", self.record_ids or [])

    def _found(self):
        """Return a query of lead_id, partner_id and phone that the user may read."""
        if self.model == "whatsapp.broadcast.recipient":
            return self._found_recipients()
        column = "lead_id" if self.model == "crm.lead" else "partner_id"
        query = self._records()._search(self._selected())
        return _columns(query, column, SQL.identifier(query.table, "id"))

    def _found_recipients(self):
        """Return the same of recipients: their lead, else their contact or phone."""
        recipients = self.env["whatsapp.broadcast.recipient"]
        selected = self._selected()
        parts = []
        for column, links in (
            ("lead_id", Domain("lead_id", "!=", False)),
            ("partner_id", Domain("lead_id", "=", False)),
        ):
            rows = recipients._search(selected & links & Domain(column, "!=", False))
            people = self.env[recipients._fields[column].comodel_name]
            query = people.with_context(active_test=False)._search(
                [("id", "in", rows.subselect(SQL.identifier(rows.table, column)))]
            )
            parts.append(_columns(query, column, SQL.identifier(query.table, "id")))
        bare = Domain("lead_id", "=", False) & Domain("partner_id", "=", False)
        rows = recipients._search(selected & bare & Domain("address", "=like", "+%"))
        parts.append(_columns(rows, "phone", SQL.identifier(rows.table, "address")))
        return SQL(" UNION ").join(parts)

    def _say(self, list_, added, there, unsubscribed):
        message = self.env._(
            "%(added)s added, %(there)s already there.", added=added, there=there
        )
        if unsubscribed:
            message += " " + self.env._(
                "%s of them had unsubscribed, and stay so.", unsubscribed
            )
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "type": "success" if added else "warning",
                "title": list_.name,
                "message": message,
                "next": {"type": "ir.actions.act_window_close"},
            },
        }


def _columns(query, column, value):
    names = ("lead_id", "partner_id", "phone")
    types = (SQL("integer"), SQL("integer"), SQL("varchar"))
    return query.select(
        *(
            SQL(
                "%s::%s AS %s",
                value if name == column else SQL("NULL"),
                type_,
                SQL.identifier(name),
            )
            for name, type_ in zip(names, types, strict=True)
        )
    )
