# One concern, one file: the broadcast in one file would be too long to read.
# pylint: disable=consider-merging-classes-inherited

import csv
import io

from odoo import api, fields, models
from odoo.exceptions import ValidationError

from ..engine import queries

#: Rows that are told as text, and rows shown on the form.
TOLD = 1000
SHOWN = 10
#: What is computed of the rows, which SQL may change.
SHOWN_FIELDS = (
    "custom_recipients",
    "custom_row_count",
    "custom_problem_count",
    "custom_guessed_count",
    "custom_shown_ids",
)


class WhatsappBroadcast(models.Model):
    """An audience that was pasted or uploaded: its rows, and their columns."""

    _inherit = "whatsapp.broadcast"

    # Copied in SQL: there may be hundreds of thousands.
    custom_row_ids = fields.One2many(copy=False)
    custom_recipients = fields.Text(
        "Recipients as Text",
        compute="_compute_custom_recipients",
        inverse="_inverse_custom_recipients",
        help="One number a line, or lines of phone, name and columns for variables, "
        "with a header. What is written replaces the rows; of what is read, the "
        f"first {TOLD} rows.",
    )
    custom_row_count = fields.Integer("Rows", compute="_compute_custom_counts")
    custom_problem_count = fields.Integer(
        "Rows with a Problem", compute="_compute_custom_counts"
    )
    custom_guessed_count = fields.Integer(compute="_compute_custom_counts")
    custom_shown_ids = fields.Many2many(
        "whatsapp.broadcast.custom.row", compute="_compute_custom_shown_ids"
    )

    # === COMPUTES === #

    @api.depends("custom_row_ids", "custom_columns")
    def _compute_custom_recipients(self):
        for broadcast in self:
            rows = broadcast._custom_rows(limit=TOLD)
            broadcast.custom_recipients = rows and broadcast._tell_rows(rows)

    def _tell_rows(self, rows):
        columns = self.custom_columns or []
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(["phone", "name", *columns])
        for row in rows:
            values = row["values"] or {}
            cells = [values.get(column, "") for column in columns]
            writer.writerow([row.phone or "", row.name or "", *cells])
        return text.getvalue()

    def _inverse_custom_recipients(self):
        for broadcast in self:
            broadcast._replace_rows(broadcast.custom_recipients or "")

    @api.depends("custom_row_ids.problem")
    def _compute_custom_counts(self):
        rows = self.env["whatsapp.broadcast.custom.row"]
        groups = {}
        for broadcast, problem, count, guessed in rows._read_group(
            [("broadcast_id", "in", self.ids)],
            ["broadcast_id", "problem"],
            ["__count", "country_guessed:bool_or"],
        ):
            groups.setdefault(broadcast, []).append((problem, count, guessed))
        for broadcast in self:
            found = groups.get(broadcast, [])
            broadcast.custom_row_count = sum(count for _p, count, _g in found)
            broadcast.custom_problem_count = sum(c for p, c, _g in found if p)
            broadcast.custom_guessed_count = sum(g for _p, _c, g in found)

    @api.depends("custom_row_ids.problem")
    def _compute_custom_shown_ids(self):
        for broadcast in self:
            broadcast.custom_shown_ids = broadcast._custom_rows(
                limit=SHOWN, order="problem, row, id"
            )

    def _custom_rows(self, domain=(), **options):
        return self.env["whatsapp.broadcast.custom.row"].search(
            [("broadcast_id", "in", self.ids), *domain], **options
        )

    @api.constrains("custom_columns")
    def _check_custom_columns(self):
        for broadcast in self:
            columns = broadcast.custom_columns or []
            if not isinstance(columns, list) or any(
                not isinstance(name, str) for name in columns
            ):
                raise ValidationError(
                    self.env._('Columns are a list of their names: ["city"].')
                )

    # === ROWS === #

    def _replace_rows(self, text):
        """Take rows from a text instead of those that are there."""
        paste = self.env["whatsapp.broadcast.paste"]
        if not text.strip():
            return self._take_rows(paste, [], True)
        values = {"broadcast_id": self.id, "text": text.replace("\x00", "")}
        paste = paste.create(values)
        paste.action_read()
        paste.action_check()
        return paste.action_take()

    def _take_rows(self, paste, columns, replace):
        """Take over the rows of a paste, and record the consents in them."""
        self._lock_for_action(("draft",), self.env._("changed"))
        rows = self.env["whatsapp.broadcast.custom.row"]
        rows.flush_model()
        if replace:
            self.env.cr.execute(queries.DELETE_ROWS, {"broadcast_id": self.id})
        if paste.consent_count:
            consents = self.env["whatsapp.broadcast.consent"]
            consents._record_pasted(paste, self.company_id)
        values = {"broadcast_id": self.id, "paste_id": paste.id or 0}
        self.env.cr.execute(queries.TAKE_ROWS, values)
        kept = [] if replace else self.custom_columns or []
        self.write({"custom_columns": [*dict.fromkeys([*kept, *columns])]})
        rows.invalidate_model()
        rows._mark_duplicates("broadcast_id", self.id)
        self._follow_rows()

    def _follow_rows(self):
        """What was reviewed of other rows is no longer true."""
        self._clear_recipients()
        self.invalidate_recordset(["custom_row_ids", *SHOWN_FIELDS])

    def copy(self, default=None):
        copies = super().copy(default)
        for broadcast, copy in zip(self, copies, strict=True):
            if copy.audience_type == "custom":
                broadcast.check_access("read")
                self.env["whatsapp.broadcast.custom.row"].flush_model()
                values = {"id": broadcast.id, "copy_id": copy.id}
                self.env.cr.execute(queries.COPY_ROWS, values)
                copy._follow_rows()
        return copies

    # === ACTIONS === #

    def action_open_paste(self):
        """Open the wizard to paste or upload rows.

        :raise UserError: if the broadcast is no draft
        """
        self._lock_for_action(("draft",), self.env._("changed"))
        paste = self.env["whatsapp.broadcast.paste"].create({"broadcast_id": self.id})
        return paste._show()

    def action_open_custom_rows(self):
        """Open all rows, to search and correct them."""
        self.ensure_one()
        self.check_access("read")
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "whatsapp_broadcast.whatsapp_broadcast_custom_row_action"
        )
        is_draft = self.state == "draft"
        action["domain"] = [("broadcast_id", "=", self.id)]
        action["context"] = {
            "default_broadcast_id": self.id,
            "create": is_draft,
            "edit": is_draft,
            "delete": is_draft,
            **(self.env.context.get("row_context") or {}),
        }
        return action

    def action_remove_invalid_rows(self):
        """Remove the rows that nobody can be written to by, and the doubles."""
        for broadcast in self:
            broadcast._lock_for_action(("draft",), self.env._("changed"))
            self.env["whatsapp.broadcast.custom.row"].flush_model()
            self.env.cr.execute(
                queries.DELETE_ROWS_WITH_PROBLEMS, {"broadcast_id": broadcast.id}
            )
            self.env["whatsapp.broadcast.custom.row"].invalidate_model()
            broadcast._follow_rows()
        return True

    def action_download_invalid_rows(self, file_type="xlsx"):
        """Download the rows with a problem, to correct and upload them.

        :param str file_type: csv | xlsx
        """
        self.ensure_one()
        self.check_access("read")
        rows = self._custom_rows([("problem", "!=", False)])
        return rows._download(self, self.custom_columns or [], file_type)
