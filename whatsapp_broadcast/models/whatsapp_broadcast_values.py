# One concern, one file: the broadcast in one file would be too long to read.
# pylint: disable=consider-merging-classes-inherited

from odoo import fields, models
from odoo.exceptions import AccessError, UserError
from odoo.fields import Domain
from odoo.tools import SQL

from .whatsapp_broadcast_template import PLACEHOLDER

#: The only records with columns.
ROW = "whatsapp.broadcast.custom.row"
#: Of a message without variables.
NO_TEXTS = SQL("NULL::text[]")
#: What ``str.strip`` removes.
WHITESPACE = "".join(filter(str.isspace, map(chr, range(0x110000))))


class WhatsappBroadcast(models.Model):
    """What the variables of a template are for each person, in the launcher's eyes."""

    _inherit = "whatsapp.broadcast"

    def _values(self, model):
        """Return the :class:`Values` of this broadcast for records of ``model``."""
        return self._values_of(model, self.template_id, self.template_params)

    def _values_of(self, model, template, params, offset=0):
        """Return the :class:`Values` of one of the broadcast's messages.

        :param dict params: see ``template_params``
        :param int offset: how many texts of other messages stand before
        """
        variables = self.env["whatsapp.broadcast.template.variable"]
        if self.message_type == "template":
            variables = template.variable_ids
        kinds = {button.index: button.kind for button in template.button_ids}
        params = self._params_for(model._name, params)
        return Values(
            model,
            [v._candidates(model, params, self.user_id) for v in variables],
            [(v.component, v._name_in_message(kinds)) for v in variables],
            offset,
            self._rooms(template) if variables else {},
        )

    def _rooms(self, template):
        """Return {component: (its text, the most characters that it may have)}."""
        limits = template.account_id.sudo()._parser().text_limits
        return {
            "header": (template.header_text or "", limits.header),
            "body": (template.body or "", limits.body),
        }

    def _all_values(self, model):
        """Return the :class:`Values` of all messages for records of ``model``."""
        if not self.variant_ids:
            return AllValues({"A": self._values(model)})
        values, offset = {}, 0
        for name, (template, params) in self._wordings().items():
            values[name] = self._values_of(model, template, params, offset)
            offset += len(values[name].columns)
        return AllValues(values)

    def _params_for(self, model, params):
        """Return ``params`` without what records of ``model`` do not have.

        An audience may hold leads, contacts and phone numbers: for those whom a value
        cannot come from, it comes from where the template says.
        """
        lacking = {
            kind
            for kind, having in (("field", self.audience_model), ("column", ROW))
            if model != having
        }
        return {
            key: {kind: part for kind, part in value.items() if kind not in lacking}
            if isinstance(value, dict)
            else value
            for key, value in (params or {}).items()
        }


class Values:
    """The texts of a template's variables for records of one model.

    They come out of the statement that inserts the recipients, by the very expressions
    that the ORM reads with; what is more than a plain text comes from the ORM.

    :param list candidates: for each variable what its ``_candidates`` says
    :param list places: for each variable (component, what stands before its text)
    :param int offset: how many texts of other messages stand before in the column
    :param dict rooms: see ``_rooms``
    """

    def __init__(self, model, candidates, places, offset, rooms):
        self.model = model
        self.offset = offset
        self.rooms = rooms
        self.candidates = candidates
        self.places = places
        self.columns = [_text_sql(model, some) for some in candidates]

    @property
    def needs_orm(self):
        """Whether :meth:`resolve` must come before :attr:`texts`."""
        return None in self.columns

    def resolve(self, query, ids):
        """Read through the ORM what SQL cannot, and narrow ``query`` to ``ids``."""
        # What others read before, in this transaction, is not for the launcher's eyes.
        self.model.env.invalidate_all()
        alias = f"resolved_{self.offset}"
        records = self.model.browse(ids)
        read = {}
        for position, candidates in enumerate(self.candidates):
            if self.columns[position] is None:
                name = f"text_{position}"
                self.columns[position] = SQL.identifier(alias, name)
                read[name] = [_read_text(record, candidates) for record in records]
        table = SQL(
            "(SELECT * FROM unnest(%s::int[], %s) AS read (id, %s))",
            ids,
            SQL(", ").join(SQL("%s::text[]", texts) for texts in read.values()),
            SQL(", ").join(map(SQL.identifier, read)),
        )
        record_id = SQL.identifier(query.table, "id")
        own_id = SQL.identifier(alias, "id")
        query.add_join("JOIN", alias, table, SQL("%s = %s", own_id, record_id))

    def example(self, record, examples):
        """Return what :attr:`variables` would be for one record, read by the ORM.

        :param record: one or none of :attr:`model`
        :param list examples: a text for each variable, where the record has none
        """
        components = {}
        for (component, before), candidates, example in zip(
            self.places, self.candidates, examples, strict=True
        ):
            text = _read_text(record, candidates) or example
            components.setdefault(component, []).append([*before, text])
        return components

    @property
    def texts(self):
        """The values as text[], NULL if the template has no variable."""
        return _array(self.columns)

    @property
    def variables(self):
        """The recipient's column, made of ``texts``, as the channel reads it.

        {"header" and "body": [[name, text], …], "button": [[index, kind, text], …]}
        """
        if not self.places:
            return SQL("NULL::jsonb")
        components = {}
        for position, (component, before) in enumerate(
            self.places, start=self.offset + 1
        ):
            items = [*(SQL("%s", item) for item in before), SQL("texts[%s]", position)]
            components.setdefault(component, []).append(_json("array", items))
        pairs = (
            SQL("%s, %s", component, _json("array", items))
            for component, items in components.items()
        )
        return _json("object", pairs)

    @property
    def overflows(self):
        """Return the conditions on ``texts`` by which the message gets too long."""
        found = []
        for component, (text, limit) in self.rooms.items():
            names = PLACEHOLDER.findall(text)
            lengths = [
                SQL("%s * length(texts[%s])", names.count(before[0]), position)
                for position, (where, before) in enumerate(
                    self.places, start=self.offset + 1
                )
                if where == component
            ]
            if lengths:
                literal = len(PLACEHOLDER.sub("", text))
                total = SQL(" + ").join([SQL("%s", literal), *lengths])
                found.append(SQL("%s > %s", total, limit))
        return found


class AllValues:
    """The texts of all of a broadcast's messages for records of one model.

    :param dict by_name: {variant: its :class:`Values`}, the own message first
    """

    def __init__(self, by_name):
        self.by_name = by_name

    @property
    def needs_orm(self):
        """Whether :meth:`resolve` must come before :attr:`texts`."""
        return any(values.needs_orm for values in self.by_name.values())

    def resolve(self, query, ids):
        """Read through the ORM what SQL cannot, and narrow ``query`` to ``ids``."""
        for values in self.by_name.values():
            if values.needs_orm:
                values.resolve(query, ids)

    @property
    def texts(self):
        """The values as text[], NULL if no message has a variable."""
        return _array([c for values in self.by_name.values() for c in values.columns])

    @property
    def too_long(self):
        """A condition on ``texts``: a message gets longer than the provider takes."""
        found = [one for values in self.by_name.values() for one in values.overflows]
        return SQL(" OR ").join(found or [SQL("FALSE")])

    @property
    def variables(self):
        """The recipient's column: of its message, or of all while it is not drawn."""
        messages = {name: values.variables for name, values in self.by_name.items()}
        if len(messages) == 1:
            return messages["A"]
        cases = SQL(" ").join(
            SQL("WHEN drawn.variant = %s THEN %s", name, variables)
            for name, variables in messages.items()
        )
        each = (SQL("%s, %s", name, variables) for name, variables in messages.items())
        return SQL(
            "CASE %s WHEN reason IS NOT NULL THEN %s ELSE %s END",
            cases,
            messages["A"],
            _json("object", each),
        )


def _array(columns):
    return SQL("ARRAY[%s]::text[]", SQL(", ").join(columns)) if columns else NO_TEXTS


def _json(kind, items):
    function = SQL.identifier(f"jsonb_build_{kind}")
    return SQL("%s(%s)", function, SQL(", ").join(items))


def _read_text(record, candidates):
    return next(filter(None, (_read(record, *each) for each in candidates)), "")


def _read(record, kind, value):
    """Return the candidate's text; the environment's rights decide."""
    if kind == "text":
        return value.strip()
    if kind == "column":
        return str((record["values"] or {}).get(value) or "").strip()
    try:
        return (record._find_value_from_field_path(value) or "").strip()
    except UserError:
        return ""


def _text_sql(model, candidates):
    """Return what :func:`_read_text` gives as SQL, None if only the ORM can read it."""
    texts = [_candidate_sql(model, *each) for each in candidates]
    if None in texts:
        return None
    return SQL("COALESCE(%s, '')", SQL(", ").join(texts))


def _candidate_sql(model, kind, value):
    if kind == "text":
        return SQL("NULLIF(%s, '')", value.strip())
    if kind == "column":
        text = SQL("%s ->> %s", model._field_to_sql(model._table, "values"), value)
        return _stripped(text)
    try:
        column = _path_sql(model, value)
    except AccessError:
        return SQL("NULL::text")
    return column and _stripped(column)


def _stripped(text):
    return SQL("NULLIF(btrim(%s, %s), '')", text, WHITESPACE)


def _path_sql(model, path):
    """Return a text of the record, or of one that it names, as the ORM reads it.

    :raise AccessError: if the user may not read the field, or no such record
    """
    name, _dot, rest = path.partition(".")
    field = model._fields[name]
    if not rest:
        return _column_sql(model, field)
    if not (field.type == "many2one" and field.store and "." not in rest):
        return None
    comodel = model.env[field.comodel_name]
    column = _column_sql(comodel, comodel._fields[rest])
    # In a query of the same table its name would mean the inner one.
    if not column or comodel._table == model._table:
        return None
    query = comodel._search(Domain.TRUE, active_test=False)
    link = model._field_to_sql(model._table, name)
    query.add_where(SQL("%s = %s", SQL.identifier(comodel._table, "id"), link))
    return query.subselect(column)


def _column_sql(model, field):
    """Return the expression that the ORM reads a plain text by, else None."""
    is_plain = type(field) in (fields.Char, fields.Text) and field.store
    is_plain = is_plain and field.translate in (True, False)
    if not is_plain or type(model)._fetch_query is not models.BaseModel._fetch_query:
        return None
    return model._field_to_sql(model._table, field.name)
