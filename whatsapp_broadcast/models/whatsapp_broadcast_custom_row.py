import csv
import io
import json
from itertools import islice

import xlsxwriter

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError

from ..engine import queries
from ..tools import pasted

#: What the model finds out by itself.
KEPT = {"phone_sanitized", "country_guessed", "problem", "row"}
#: Rows a statement: some megabytes at most.
CHUNK = 5000
#: Columns of :data:`queries.INSERT_ROWS`.
INSERTED = (
    "row", "name", "phone", "phone_sanitized", "country_guessed", "problem", "values",
    "consent_at", "consent_evidence",
)  # fmt: skip


class WhatsappBroadcastCustomRow(models.Model):
    """One row of what was pasted or uploaded as the audience of a broadcast."""

    _name = "whatsapp.broadcast.custom.row"
    _description = "WhatsApp Broadcast Row"
    _order = "broadcast_id, row, id"
    _log_access = False
    _rec_name = "phone"

    broadcast_id = fields.Many2one(
        "whatsapp.broadcast", ondelete="cascade", index="btree_not_null"
    )
    paste_id = fields.Many2one(
        "whatsapp.broadcast.paste",
        readonly=True,
        ondelete="cascade",
        index="btree_not_null",
        help="Where it waits until it is taken over by the broadcast.",
    )
    row = fields.Integer(readonly=True, help="Its place in the file, from 1.")
    name = fields.Char()
    phone = fields.Char(help="As it was given.")
    phone_sanitized = fields.Char(
        "Number",
        readonly=True,
        index="btree_not_null",
        help="E.164, empty if it is not valid.",
    )
    country_guessed = fields.Boolean(
        readonly=True, help="The phone named no country; that of the company was taken."
    )
    problem = fields.Selection(
        [
            ("no_phone", "No phone number"),
            ("bad_phone", "Not a valid phone number"),
            ("cut_phone", "Excel cut the number: format the column as text"),
            ("duplicate", "The number is in an earlier row"),
        ],
        readonly=True,
    )
    values = fields.Json(help='For variables, by column: {"city": "Lima"}.')
    values_text = fields.Char("Columns", compute="_compute_values_text")
    consent_at = fields.Datetime("Consented at", readonly=True)
    consent_evidence = fields.Char(readonly=True)

    _owner = models.Constraint(
        "CHECK (num_nonnulls(broadcast_id, paste_id) = 1)",
        "A row belongs to one broadcast.",
    )

    @api.depends("values")
    def _compute_values_text(self):
        for row in self:
            values = row["values"] or {}
            row.values_text = ", ".join(
                f"{name}: {value}" for name, value in values.items() if value
            )

    @api.constrains("values")
    def _check_values(self):
        for row in self:
            values = row["values"] or {}
            if not isinstance(values, dict) or any(
                not isinstance(value, str) for value in values.values()
            ):
                raise ValidationError(
                    self.env._('Values are texts by column: {"city": "Lima"}.')
                )

    # === ROWS OF A DRAFT === #

    @api.model_create_multi
    def create(self, vals_list):
        for vals in vals_list:
            self._refuse_kept(vals)
        vals_list = [{**vals, **self._found_of(vals)} for vals in vals_list]
        kept = {f"default_{name}" for name in (*KEPT, "paste_id")}
        context = {k: v for k, v in self.env.context.items() if k not in kept}
        self = self.with_context(context)  # pylint: disable=context-overridden
        rows = super().create(vals_list)
        rows._check_draft()
        rows._follow_change(rows.broadcast_id)
        return rows

    def write(self, vals):
        self._refuse_kept(vals)
        if vals.keys() & {"broadcast_id"}:
            raise UserError(self.env._("A row stays with its broadcast."))
        self._check_draft()
        for country, rows in self.grouped(lambda r: r._company().country_id).items():
            found = {}
            if "phone" in vals:
                found = self._read_phone(vals["phone"] or "", country)
            super(WhatsappBroadcastCustomRow, rows).write({**vals, **found})
        self._follow_change(self.broadcast_id)
        return True

    def unlink(self):
        self._check_draft()
        broadcasts = self.broadcast_id
        result = super().unlink()
        self._follow_change(broadcasts)
        return result

    def _refuse_kept(self, vals):
        if names := (KEPT | {"paste_id", "consent_at", "consent_evidence"}) & {*vals}:
            raise UserError(
                self.env._(
                    "%s of a row cannot be written: it follows from the phone.",
                    ", ".join(sorted(names)),
                )
            )

    def _check_draft(self):
        self.check_access("write")
        for broadcast in self.broadcast_id:
            broadcast._lock_for_action(("draft",), self.env._("changed"))

    @api.model
    def _follow_change(self, broadcasts):
        """What was reviewed is no longer true, and who is double may be another."""
        for broadcast in broadcasts:
            self._mark_duplicates("broadcast_id", broadcast.id)
            broadcast._follow_rows()

    def _found_of(self, vals):
        id_ = vals.get("broadcast_id") or self.env.context.get("default_broadcast_id")
        broadcast = self.env["whatsapp.broadcast"].browse(id_)
        country = (broadcast.company_id or self.env.company).country_id
        (last,) = self._read_group([("broadcast_id", "=", id_)], [], ["row:max"])[0]
        return {
            **self._read_phone(vals.get("phone") or "", country),
            "row": (last or 0) + 1,
        }

    def _company(self):
        return self.broadcast_id.company_id or self.env.company

    @api.model
    def _read_phone(self, given, country):
        """Return {phone_sanitized, country_guessed, problem} of a phone as given."""
        given = pasted.clean(given)
        phone = self._phone_format_number(given, country)
        # What Excel makes of +34600…: it takes the sign away.
        if given and not phone and not given.startswith(("+", "0")):
            phone = self._phone_format_number(f"+{given}", country)
        problem = False
        if not phone:
            is_cut = pasted.is_scientific(given)
            problem = ("cut_phone" if is_cut else "bad_phone") if given else "no_phone"
        return {
            "phone_sanitized": phone,
            "country_guessed": bool(phone) and not given.startswith(("+", "00")),
            "problem": problem,
        }

    # === MANY ROWS === #

    @api.model
    def _insert_rows(self, rows, **owner):
        """Insert rows in bulk, and mark those that are double.

        :param rows: iterable of dicts of INSERTED
        :param owner: ``broadcast_id`` or ``paste_id``
        """
        rows, count = iter(rows), 0
        while chunk := list(islice(rows, CHUNK)):
            count += len(chunk)
            columns = {name: [row[name] or None for row in chunk] for name in INSERTED}
            self.env.cr.execute(
                queries.INSERT_ROWS,
                {"broadcast_id": None, "paste_id": None, **owner, **columns},
            )
        if count > CHUNK:
            self.env.cr.execute(queries.ANALYZE_ROWS)
        for name, id_ in owner.items():
            self._mark_duplicates(name, id_)
        self.invalidate_model()

    @api.model
    def _mark_duplicates(self, owner, id_):
        self.flush_model()
        self.env.cr.execute(queries.MARK_DUPLICATES[owner], {"id": id_})
        self.invalidate_model(["problem"])

    @api.model
    def _rows_of(self, rows, plan, country, now):
        """Yield dicts of INSERTED, and ``is_consent_clear``, from rows of a file.

        :param pasted.Plan plan: what each column is
        """
        is_first = plan.has_header
        for place, cells in rows:
            if is_first:
                is_first = False
                continue
            given = plan.cell(cells, "phone")
            said = pasted.consent_at(plan.cell(cells, "consent"), now)
            at = said or None
            evidence = plan.cell(cells, "consent_source") or plan.source
            yield {
                "row": place,
                "name": plan.cell(cells, "name"),
                "phone": given,
                **self._read_phone(given, country),
                "values": json.dumps(plan.values(cells)),
                "consent_at": at,
                "consent_evidence": at and evidence,
                "is_consent_clear": said is not None,
            }

    # === DOWNLOAD === #

    def _download(self, owner, columns, file_type):
        """Return an action that downloads these rows.

        :param owner: record whose readers may read the file
        :param list columns: names of columns for variables
        :param str file_type: csv | xlsx
        :raise UserError: if there is no such type, or no row
        """
        if file_type not in ("csv", "xlsx"):
            raise UserError(self.env._("Choose csv or xlsx."))
        if not self:
            raise UserError(self.env._("No row has a problem."))
        lines = self._problem_lines(columns)
        content = _as_csv(lines) if file_type == "csv" else _as_workbook(lines)
        attachment = self.env["ir.attachment"].create(
            {
                "name": f"{self.env._('rows-to-correct')}.{file_type}",
                "raw": content,
                "res_model": owner._name,
                "res_id": owner.id,
            }
        )
        return {
            "type": "ir.actions.act_url",
            "url": f"/web/content/{attachment.id}?download=true",
            "target": "download",
        }

    def _problem_lines(self, columns):
        """Yield the cells of each line, heads first."""
        labels = dict(self._fields["problem"]._description_selection(self.env))
        heads = (self.env._("Row"), self.env._("Phone"), self.env._("Name"))
        yield [*heads, self.env._("Problem"), *columns]
        for row in self:
            values = row["values"] or {}
            cells = [str(row.row), row.phone or "", row.name or ""]
            cells += [labels.get(row.problem, "")]
            yield cells + [values.get(column) or "" for column in columns]


def _as_workbook(lines):
    content = io.BytesIO()
    book = xlsxwriter.Workbook(content, {"constant_memory": True})
    sheet = book.add_worksheet()
    for line, cells in enumerate(lines):
        for place, text in enumerate(cells):
            sheet.write_string(line, place, pasted.harmless(text))
    book.close()
    return content.getvalue()


def _as_csv(lines):
    content = io.StringIO(newline="")
    writer = csv.writer(content)
    for cells in lines:
        writer.writerow(map(pasted.harmless, cells))
    return content.getvalue().encode("utf-8-sig")  # else a spreadsheet guesses
