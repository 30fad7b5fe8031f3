# One concern, one file: the broadcast in one file would be too long to read.
# pylint: disable=consider-merging-classes-inherited

import hashlib
import json

from odoo import api, fields, models
from odoo.exceptions import ValidationError


class WhatsappBroadcast(models.Model):
    """What a draft says about the template's variables, and what becomes of it."""

    _inherit = "whatsapp.broadcast"

    template_seen = fields.Json(
        compute="_compute_template_seen",
        store=True,
        copy=False,
        help="The template as it was when it was chosen.",
    )
    template_version = fields.Char(compute="_compute_template_version")
    template_changes = fields.Char(compute="_compute_template_changes")

    # === RIGHTS === #

    @api.onchange("template_params", "audience_model")
    def _onchange_template_params(self):
        """Say at once what cannot be read, and take it back."""
        kept, refused = {}, []
        for key, value in (self.template_params or {}).items():
            try:
                self._check_value_readable(value)
                kept[key] = value
            except ValidationError as error:
                refused.append(str(error))
        if not refused:
            return None
        self.template_params = kept or False
        return {
            "warning": {
                "title": self.env._("Variables"),
                "message": "\n".join(refused),
                "type": "notification",
            }
        }

    def write(self, vals):
        result = super().write(vals)
        if "template_params" in vals:  # a constraint has the rights of the superuser
            for broadcast in self:
                for value in (broadcast.template_params or {}).values():
                    broadcast._check_value_readable(value)
        return result

    def _check_value_readable(self, value):
        """Raise ValidationError unless the user may read what ``value`` names.

        :param value: one of ``template_params``
        """
        if isinstance(value, dict) and value.get("field") and self.audience_model:
            variables = self.env["whatsapp.broadcast.template.variable"]
            variables._check_readable(self.audience_model, value["field"])

    # === A TEMPLATE THAT CHANGES === #

    @api.depends("template_id")
    def _compute_template_seen(self):
        for broadcast in self:
            broadcast.template_seen = broadcast.template_id._seen_values()

    @api.depends("template_id.write_date", "template_id.variable_ids.write_date")
    def _compute_template_version(self):
        for broadcast in self:
            template = broadcast.template_id.sudo()
            dates = [template.write_date, *template.variable_ids.mapped("write_date")]
            broadcast.template_version = template and f"{template.id}-{max(dates)}"

    @api.depends("state", "template_seen", "message_type")
    def _compute_template_changes(self):
        for broadcast in self:
            is_open = (
                broadcast.state == "draft" and broadcast.message_type == "template"
            )
            broadcast.template_changes = is_open and broadcast._template_changes()

    def _template_changes(self):
        """Return in words what is new at the template, "" if it is as it was seen."""
        template_sudo = self.template_id.sudo()
        seen, present = self.template_seen or {}, template_sudo._seen_values() or {}
        words = {
            "texts": lambda: self.env._("its text"),
            "variables": lambda: self.env._("its variables"),
            "category": lambda: self.env._(
                "its category, now %s", _label(template_sudo, "category")
            ),
            "state": lambda: self.env._(
                "its state, now %s", _label(template_sudo, "state")
            ),
        }
        return ", ".join(
            words[name]() for name, value in present.items() if seen.get(name) != value
        )

    def action_accept_template(self):
        """Take the template as it is now, and stop telling what changed."""
        for broadcast in self:
            broadcast._lock_for_action(("draft",), self.env._("changed"))
            seen = broadcast.template_id._seen_values()
            broadcast._write_protected({"template_seen": seen})
        return True


class WhatsappBroadcastTemplate(models.Model):
    _inherit = "whatsapp.broadcast.template"

    def _seen_values(self):
        """Return what whoever chose the template has seen of it, False for none."""
        if not self:
            return False
        texts = json.dumps(self._told_values()["texts"])
        return {
            "state": self.state,
            "category": self.category,
            "texts": hashlib.sha256(texts.encode()).hexdigest(),
            "variables": sorted(variable._key() for variable in self.variable_ids),
        }


def _label(record, name):
    return dict(record._fields[name]._description_selection(record.env))[record[name]]
