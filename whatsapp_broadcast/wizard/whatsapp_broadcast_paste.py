import base64
from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import UserError

from ..engine import queries
from ..tools import pasted

#: How long a paste waits to be taken over.
KEPT = timedelta(days=1)
#: Rows with a problem, or else the first ones, that are shown before they are taken.
SHOWN = 20
#: Values of a column that are shown.
EXAMPLES = 3


class WhatsappBroadcastPaste(models.Model):
    """Reads pasted or uploaded rows: what they are, what is wrong, take them over.

    No transient model: rows that wait to be taken over belong to it.
    """

    _name = "whatsapp.broadcast.paste"
    _description = "Paste or Upload Recipients"

    broadcast_id = fields.Many2one(
        "whatsapp.broadcast", required=True, readonly=True, ondelete="cascade"
    )
    state = fields.Selection(
        [("paste", "Paste or Upload"), ("columns", "Columns"), ("check", "Check")],
        required=True,
        readonly=True,
        default="paste",
    )
    text = fields.Text()
    file = fields.Binary(attachment=True)
    filename = fields.Char()
    has_header = fields.Boolean("The first row names the columns")
    row_count = fields.Integer("Rows", readonly=True)
    column_ids = fields.One2many("whatsapp.broadcast.paste.column", "paste_id")
    row_ids = fields.One2many("whatsapp.broadcast.custom.row", "paste_id")
    shown_ids = fields.Many2many(
        "whatsapp.broadcast.custom.row", compute="_compute_shown_ids"
    )
    valid_count = fields.Integer(compute="_compute_counts")
    no_phone_count = fields.Integer(compute="_compute_counts")
    bad_phone_count = fields.Integer(compute="_compute_counts")
    duplicate_count = fields.Integer(compute="_compute_counts")
    problem_count = fields.Integer(compute="_compute_counts")
    guessed_count = fields.Integer(compute="_compute_counts")
    consent_count = fields.Integer(compute="_compute_counts")
    unclear_consent_count = fields.Integer(readonly=True)
    present_count = fields.Integer(related="broadcast_id.custom_row_count")
    mode = fields.Selection(
        [("replace", "Replace the present rows"), ("add", "Add to the present rows")],
        required=True,
        default="replace",
    )
    keep_problems = fields.Boolean(
        "Take over rows with a problem, too",
        default=True,
        help="They are listed as left out, and can be corrected on the broadcast.",
    )

    @api.model_create_multi
    def create(self, vals_list):
        pastes = super().create(vals_list)
        # The related field is read as the superuser.
        pastes.broadcast_id.check_access("write")
        return pastes

    @api.autovacuum
    def _gc_pastes(self):
        old = fields.Datetime.now() - KEPT
        self.search([("write_date", "<", old)], limit=1000).unlink()

    # === COMPUTES === #

    @api.depends("row_ids.problem")
    def _compute_counts(self):
        rows = self.env["whatsapp.broadcast.custom.row"]
        for paste in self:
            own = [("paste_id", "=", paste.id)]
            counts = dict(rows._read_group(own, ["problem"], ["__count"]))
            paste.valid_count = counts.pop(False, 0)
            paste.problem_count = sum(counts.values())
            paste.no_phone_count = counts.get("no_phone", 0)
            paste.duplicate_count = counts.get("duplicate", 0)
            paste.bad_phone_count = counts.get("bad_phone", 0) + counts.get(
                "cut_phone", 0
            )
            usable = [*own, ("problem", "=", False)]
            paste.guessed_count = rows.search_count(
                [*usable, ("country_guessed", "=", True)]
            )
            paste.consent_count = rows.search_count(
                [*usable, ("consent_at", "!=", False)]
            )

    @api.depends("row_ids.problem")
    def _compute_shown_ids(self):
        rows = self.env["whatsapp.broadcast.custom.row"]
        for paste in self:
            paste.shown_ids = rows.search(
                [("paste_id", "=", paste.id)], limit=SHOWN, order="problem, row"
            )

    # === STEPS === #

    def action_read(self):
        """Read what was pasted or uploaded, and guess what its columns are.

        :raise UserError: if it cannot be read; says why and what to do
        """
        self.ensure_one()
        look = self._read(lambda: pasted.look_at(self._rows()))
        plan = pasted.plan_of(look, self._generic_name)
        self.column_ids.unlink()
        self.write(
            {
                "state": "columns",
                "has_header": plan.has_header,
                "row_count": look.count - plan.has_header,
                "column_ids": [
                    fields.Command.create(
                        {
                            "sequence": place,
                            "name": name,
                            "use": use,
                            "examples": self._examples(look.sample, plan, place),
                        }
                    )
                    for place, (name, use) in enumerate(
                        zip(plan.names, plan.uses, strict=True)
                    )
                ],
            }
        )
        return self._show()

    def action_check(self):
        """Read all rows, and find out what is wrong with them.

        :raise UserError: if no column, or more than one, holds the phones
        """
        self.ensure_one()
        plan = self._plan()
        broadcast = self.broadcast_id
        rows = self.env["whatsapp.broadcast.custom.row"]
        self.env.flush_all()
        self.env.cr.execute(queries.DELETE_PASTED_ROWS, {"paste_id": self.id})
        found = rows._rows_of(
            self._rows(), plan, broadcast.company_id.country_id, broadcast._now()
        )
        unclear = []
        counted = (
            row for row in found if row["is_consent_clear"] or not unclear.append(1)
        )
        self._read(lambda: rows._insert_rows(counted, paste_id=self.id))
        self.write({"state": "check", "unclear_consent_count": len(unclear)})
        self.invalidate_recordset()
        return self._show()

    def action_back(self):
        """Go one step back; what was entered stays."""
        self.ensure_one()
        self.state = {"check": "columns"}.get(self.state, "paste")
        return self._show()

    def action_download(self, file_type="xlsx"):
        """Download the rows with a problem.

        :param str file_type: csv | xlsx
        """
        self.ensure_one()
        self.check_access("read")
        rows = self.env["whatsapp.broadcast.custom.row"].search(
            [("paste_id", "=", self.id), ("problem", "!=", False)]
        )
        return rows._download(self, self._plan().columns, file_type)

    def action_take(self):
        """Make the rows the broadcast's, and record the consents in them."""
        self.ensure_one()
        if self.state != "check":
            raise UserError(self.env._("Check the rows first."))
        if not self.keep_problems:
            rows = self.env["whatsapp.broadcast.custom.row"]
            rows.flush_model()
            self.env.cr.execute(queries.DELETE_PASTED_PROBLEMS, {"paste_id": self.id})
            rows.invalidate_model()
        self.broadcast_id._take_rows(self, self._plan().columns, self.mode == "replace")
        self.unlink()  # what was pasted is not kept twice
        return {"type": "ir.actions.act_window_close"}

    # === READING === #

    def _rows(self):
        """Return an iterator of all rows, the names of the columns among them."""
        if self.file:
            content = self.with_context(bin_size=False).file
            return pasted.rows_of_file(base64.b64decode(content))
        return pasted.rows_of_text(self.text or "")

    def _read(self, read):
        try:
            return read()
        except pasted.PasteError as error:
            raise UserError(self._explain(*error.args)) from None

    def _explain(self, code, detail=None):
        limits = {"rows": pasted.MAX_ROWS, "megabytes": pasted.MAX_SIZE >> 20}
        texts = {
            "empty": self.env._(
                "There is nothing in it: paste numbers or choose a file."
            ),
            "too_large": self.env._(
                "More than %(megabytes)s MB: split it, and make a broadcast of each.",
                **limits,
            ),
            "too_many": self.env._(
                "More than %(rows)s rows: split it, and make a broadcast of each.",
                **limits,
            ),
            "columns": self.env._(
                "Row %(row)s has more than %(columns)s columns: remove those that the "
                "message does not need.",
                row=detail,
                columns=pasted.MAX_COLUMNS,
            ),
            "cell": self.env._(
                "Row %s cannot be read: something in it is too long. Is a "
                "quotation mark left open?",
                detail,
            ),
            "encoding": self.env._(
                "The encoding of the file cannot be told. Save it as CSV UTF-8 or XLSX."
            ),
            "binary": self.env._(
                "This is no text, whatever its name says. Save it as CSV UTF-8 or XLSX."
            ),
            "old_excel": self.env._(
                "This is an old Excel file. Open it in Excel and save it as XLSX."
            ),
            "workbook": self.env._(
                "This workbook is damaged or protected. Open it in Excel and save it "
                "as XLSX without a password."
            ),
            "unpacked": self.env._(
                "This workbook unpacks to far more than a list of people. Save only "
                "the sheet with the numbers."
            ),
        }
        return texts[code]

    def _examples(self, sample, plan, place):
        values = [row[place] for row in sample[plan.has_header :] if place < len(row)]
        shown = [value[:30] for value in values if value][:EXAMPLES]
        return " · ".join(shown)

    def _plan(self):
        uses = self.column_ids.mapped("use")
        for use, label in self.column_ids._fields["use"]._description_selection(
            self.env
        ):
            if use in ("phone", "name", "consent", "consent_source"):
                if uses.count(use) > 1:
                    raise UserError(self.env._("Only one column can be the %s.", label))
        if "phone" not in uses:
            raise UserError(
                self.env._(
                    "No column holds phone numbers. Say which one does, or paste one "
                    "number a line."
                )
            )
        names = [name or "" for name in self.column_ids.mapped("name")]
        generic = self._generic_name
        source = self.env._("Pasted rows")
        if self.file:
            source = self.env._("Upload: %s", self.filename or "")
        return pasted.Plan(
            pasted.names(names, len(names), generic), uses, self.has_header, source
        )

    def _generic_name(self, place):
        return self.env._("Column %s", place)

    def _show(self):
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Paste or Upload Recipients"),
            "res_model": self._name,
            "res_id": self.id,
            "views": [(False, "form")],
            "target": "new",
        }


class WhatsappBroadcastPasteColumn(models.Model):
    """What one column of pasted or uploaded rows is used for."""

    _name = "whatsapp.broadcast.paste.column"
    _description = "Pasted Column"
    _order = "sequence, id"

    paste_id = fields.Many2one(
        "whatsapp.broadcast.paste", required=True, ondelete="cascade", index=True
    )
    sequence = fields.Integer()
    name = fields.Char("Column", required=True)
    examples = fields.Char(readonly=True)
    use = fields.Selection(
        [
            ("phone", "Phone"),
            ("name", "Name"),
            ("consent", "Consent: yes, no or since when"),
            ("consent_source", "Where the consent comes from"),
            ("variable", "For variables"),
            ("ignore", "Not used"),
        ],
        required=True,
        default="variable",
    )
