from odoo import api, fields, models
from odoo.exceptions import ValidationError

#: Where each model keeps the person's own name, best first.
NAME_PATHS = {
    "crm.lead": ("contact_name", "partner_id.name", "partner_name"),
    "res.partner": ("name",),
    "whatsapp.broadcast.list.member": ("name",),
    "whatsapp.broadcast.custom.row": ("name",),
    "whatsapp.broadcast.recipient": ("name",),
}


#: What of the sender a variable may say; also in ``template_params``.
USER_FIELDS = ("name", "phone", "email")
SENDER_TYPES = {f"user_{name}": name for name in USER_FIELDS}


class WhatsappBroadcastTemplateVariable(models.Model):
    _name = "whatsapp.broadcast.template.variable"
    _description = "WhatsApp Template Variable"
    _order = "template_id, sequence, id"

    template_id = fields.Many2one(
        "whatsapp.broadcast.template", required=True, ondelete="cascade", index=True
    )
    sequence = fields.Integer()
    component = fields.Selection(
        [("header", "Header"), ("body", "Body"), ("button", "Button")],
        required=True,
        default="body",
    )
    name = fields.Char(required=True, help="1, 2 … or the name between the braces.")
    button_index = fields.Integer(help="Position of its button, from 0.")
    sample = fields.Char(help="An example value, for the provider's reviewers.")
    value_type = fields.Selection(
        [
            ("none", "Set in each broadcast"),
            ("recipient_name", "Recipient's name"),
            ("field", "Field of the lead or contact"),
            ("text", "Fixed text"),
            ("user_name", "Sender's name"),
            ("user_phone", "Sender's phone"),
            ("user_email", "Sender's e-mail"),
        ],
        required=True,
        default="none",
    )
    lead_path = fields.Char("Lead Field")
    partner_path = fields.Char("Contact Field")
    text = fields.Char()
    fallback = fields.Char(help="Used where the value is empty.")

    _name_unique = models.Constraint(
        "UNIQUE (template_id, component, name, button_index)",
        "The template has this variable twice.",
    )

    @api.depends("component", "name", "button_index")
    def _compute_display_name(self):
        for variable in self:
            variable.display_name = variable._key()

    @api.constrains("lead_path", "partner_path")
    def _check_paths(self):
        for variable in self:
            for model, path in (
                ("crm.lead", variable.lead_path),
                ("res.partner", variable.partner_path),
            ):
                if path:
                    self._check_path(model, path)

    @api.model
    def _check_path(self, model, path):
        """Raise ValidationError unless ``path`` leads to a readable value."""
        names = path.split(".")
        for position, name in enumerate(names):
            field = self.env[model]._fields.get(name)
            last = position == len(names) - 1
            if not field or (not last and not field.relational):
                raise ValidationError(
                    self.env._(
                        "There is no field %(path)s on %(model)s.",
                        path=path,
                        model=self.env[model]._description,
                    )
                )
            model = field.comodel_name or model

    @api.model
    def _check_readable(self, model, path):
        """Raise ValidationError unless the user may read what ``path`` leads to."""
        self._check_path(model, path)
        records = self.env[model]
        for name in path.split("."):
            field = records._fields[name]
            if not (
                records.has_access("read") and records._has_field_access(field, "read")
            ):
                raise ValidationError(
                    self.env._(
                        "You may not read %(field)s of %(model)s, so it cannot be "
                        "written to people. Choose another field.",
                        field=field.get_description(self.env, ["string"])["string"],
                        model=records._description,
                    )
                )
            records = self.env[field.comodel_name] if field.comodel_name else records

    def _key(self):
        """Return the variable's name in ``template_params``: body.1, button.0."""
        self.ensure_one()
        tail = self.button_index if self.component == "button" else self.name
        return f"{self.component}.{tail}"

    def _candidates(self, model, params, sender):
        """Return where the text for one person may come from, best first.

        :param model: one of :data:`NAME_PATHS`, in the launcher's environment
        :param dict params: the broadcast's ``template_params``
        :param sender: ``res.users``
        :return: list of ("field", path from ``model``), ("column", name of a column of
            a pasted row) and ("text", the text)
        :raise ValidationError: if a path leads nowhere
        """
        override = params.get(self._key())
        if isinstance(override, str):
            candidates = [("text", override)]
        elif isinstance(override, dict):
            own = self._override_candidates(override, sender) or self._own_candidates(
                model._name, sender
            )
            candidates = [*own, ("text", str(override.get("fallback") or ""))]
        else:
            own = self._own_candidates(model._name, sender)
            candidates = [*own, ("text", self.fallback or "")]
        for kind, path in candidates:
            if kind == "field":
                self._check_path(model._name, path)
        return candidates

    def _override_candidates(self, override, sender):
        for kind in ("field", "column", "text"):
            if override.get(kind):
                return [(kind, str(override[kind]))]
        if override.get("user"):
            return [("text", sender[override["user"]] or "")]
        return []

    def _own_candidates(self, model, sender):
        if self.value_type == "recipient_name":
            return [("field", path) for path in NAME_PATHS[model]]
        if self.value_type == "field":
            path = self._path_of(model)
            return [("field", path)] if path else []
        if self.value_type in SENDER_TYPES:
            return [("text", sender[SENDER_TYPES[self.value_type]] or "")]
        return [("text", self.text or "")] if self.value_type == "text" else []

    def _path_of(self, model):
        """Return the path that the template itself takes from records of ``model``."""
        paths = {"crm.lead": self.lead_path, "res.partner": self.partner_path}
        return paths.get(model)

    def _name_in_message(self, kinds):
        """Return what stands before the text in ``recipient.variables``.

        :param dict kinds: the kind of each of the template's buttons by its index
        """
        if self.component == "button":
            return [self.button_index, kinds.get(self.button_index, "url")]
        return [self.name]

    def _is_set(self, model, params):
        """Tell whether the variable gets a value from anywhere for ``model``."""
        override = params.get(self._key())
        if override:
            return True
        if self.value_type == "field":
            return bool(self._path_of(model) or self.fallback)
        if self.value_type == "text":
            return bool(self.text)
        return self.value_type != "none"

    def _merge_remote(self, template, remote_variables):
        """Keep the mapping of variables that the template still has."""
        known = {(v.component, v.name, v.button_index): v for v in self}
        kept = self.browse()
        for sequence, remote in enumerate(remote_variables):
            key = (remote.component, remote.name, remote.button_index)
            values = {"sequence": sequence, "sample": remote.sample}
            if key in known:
                known[key].write(values)
                kept += known[key]
            else:
                component, name, button_index = key
                kept += self.create(
                    {
                        **values,
                        "template_id": template.id,
                        "component": component,
                        "name": name,
                        "button_index": button_index,
                    }
                )
        (self - kept).unlink()
