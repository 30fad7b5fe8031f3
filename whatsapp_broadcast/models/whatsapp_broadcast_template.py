import logging
import re

from odoo import api, fields, models
from odoo.exceptions import UserError

from ..engine import news, queries
from ..providers import RemoteButton, RemoteTemplate, RemoteVariable
from ..tools.transactions import engine_transaction
from .management import Unreachable
from .whatsapp_broadcast_account import heard_now

_logger = logging.getLogger(__name__)

#: {{1}} or {{name}}, as Meta writes variables.
PLACEHOLDER = re.compile(r"\{\{\s*(\w+)\s*\}\}")

CATEGORIES = [
    ("marketing", "Marketing"),
    ("utility", "Utility"),
    ("authentication", "Authentication"),
]


class WhatsappBroadcastTemplate(models.Model):
    _name = "whatsapp.broadcast.template"
    _description = "WhatsApp Template"
    _inherit = ["mail.thread"]
    _order = "name, language, id"

    account_id = fields.Many2one(
        "whatsapp.broadcast.account", required=True, ondelete="cascade", index=True
    )
    company_id = fields.Many2one(related="account_id.company_id")
    active = fields.Boolean(default=True)
    name = fields.Char(required=True, help="Lower case letters, digits and _.")
    language = fields.Char(
        required=True, default="en_US", help="As the provider writes it, like en_US."
    )
    category = fields.Selection(
        CATEGORIES,
        required=True,
        default="marketing",
        tracking=True,
    )
    state = fields.Selection(
        [
            ("draft", "Draft"),
            ("pending", "In Review"),
            ("approved", "Approved"),
            ("rejected", "Rejected"),
            ("paused", "Paused"),
            ("disabled", "Disabled"),
            ("in_appeal", "In Appeal"),
            ("archived", "Archived by Provider"),
            ("limit_exceeded", "Limit Exceeded"),
            ("pending_deletion", "Being Deleted"),
            ("deleted", "Deleted"),
            ("unknown", "Unknown"),
        ],
        default="draft",
        required=True,
        readonly=True,
        copy=False,
        tracking=True,
    )
    quality = fields.Selection(
        [
            ("green", "High"),
            ("yellow", "Medium"),
            ("red", "Low"),
            ("unknown", "Unknown"),
        ],
        default="unknown",
        readonly=True,
        copy=False,
    )
    parameter_format = fields.Selection(
        [("positional", "Positional: {{1}}"), ("named", "Named: {{name}}")],
        required=True,
        default="positional",
    )
    header_type = fields.Selection(
        [
            ("none", "None"),
            ("text", "Text"),
            ("image", "Image"),
            ("video", "Video"),
            ("document", "Document"),
            ("location", "Location"),
        ],
        required=True,
        default="none",
    )
    header_text = fields.Char(size=60)
    body = fields.Text(required=True)
    footer = fields.Char(size=60)
    variable_ids = fields.One2many(
        "whatsapp.broadcast.template.variable", "template_id", copy=True
    )
    button_ids = fields.One2many(
        "whatsapp.broadcast.template.button", "template_id", copy=True
    )
    # Beside the buttons: those of a template at the provider cannot be edited.
    opt_out_button_ids = fields.Many2many(
        "whatsapp.broadcast.template.button",
        string="Opts Out",
        compute="_compute_opt_out_buttons",
        inverse="_inverse_opt_out_buttons",
        help="Who presses one of these gets no marketing messages any more.",
    )
    external_id = fields.Char("Template ID", readonly=True, copy=False)
    rejected_reason = fields.Char(
        readonly=True, copy=False, help="The provider's words on its present state."
    )
    unsupported_reason = fields.Char(
        readonly=True, copy=False, help="Why broadcasts cannot use it."
    )

    heard_at = fields.Json(
        readonly=True, copy=False, help="When the provider last spoke of what."
    )
    sync_at = fields.Datetime(
        readonly=True, copy=False, help="When its content is to be read again."
    )

    _name_language_unique = models.Constraint(
        "UNIQUE (account_id, name, language)",
        "The account has a template of this name and language already.",
    )
    _external_id_index = models.Index("(external_id)")
    _sync_index = models.Index("(sync_at) WHERE sync_at IS NOT NULL")

    @api.depends("name", "language")
    def _compute_display_name(self):
        for template in self:
            template.display_name = (
                f"{template.name} ({template.language})" if template.name else ""
            )

    # === ACTIONS === #

    def action_sync(self):
        """Read state, category and content again from the provider."""
        self.check_access("write")
        for template in self.filtered(lambda template: not template.external_id):
            raise UserError(
                self.env._("%s was not submitted yet.", template.display_name)
            )
        # All is read before anything is written: no lock is held meanwhile.
        remote = {}
        for template in self:
            with template.account_id._remote() as (provider, call):
                remote[template] = provider.fetch_template(call, template.external_id)
        for template, remote_template in remote.items():
            template._merge_remote(template.account_id, [remote_template])
        return True

    def action_submit(self):
        """Send a draft to the provider for approval."""
        self.check_access("write")
        for template in self:
            template._check_submittable()
        answers = {}
        for template in self:
            with template.account_id._remote() as (provider, call):
                answers[template] = provider.create_template(
                    call, template._to_remote()
                )
        for template, (external_id, state) in answers.items():
            template._write_protected(
                {
                    "external_id": external_id,
                    "state": template._known("state", state),
                }
            )
        return True

    def _check_submittable(self):
        if self.state not in ("draft", "rejected"):
            raise UserError(self.env._("%s was submitted already.", self.display_name))
        if self.header_type not in ("none", "text", "location"):
            raise UserError(
                self.env._(
                    "Templates with a media header are made in the provider's "
                    "template manager. Make %s there, then synchronise.",
                    self.display_name,
                )
            )
        unsampled = self.variable_ids.filtered(lambda variable: not variable.sample)
        if unsampled:
            raise UserError(
                self.env._(
                    "The reviewers need a sample for each variable. Missing: %s",
                    ", ".join(unsampled.mapped("display_name")),
                )
            )

    # === PROVIDER === #

    def _merge_remote(self, account, remote_templates):
        """Create or update templates from what the provider knows.

        :param remote_templates: iterable of ``providers.RemoteTemplate``
        """
        known = {
            (template.name, template.language): template
            for template in self.with_context(active_test=False).search(
                [("account_id", "=", account.id)]
            )
        }
        for remote in remote_templates:
            template = known.get((remote.name, remote.language), self.browse())
            template._merge_one(account, remote)

    def _merge_one(self, account, remote):
        values = self._remote_values(remote)
        before, template = self._told_values(), self
        if self:
            template._write_protected(values)
        else:
            values.update(
                account_id=account.id, name=remote.name, language=remote.language
            )
            template = self._create_protected(values)
        template.variable_ids._merge_remote(template, remote.variables)
        template.button_ids._merge_remote(template, remote.buttons)
        if before:
            template._notice_changes(before)

    def _told_values(self):
        """Return by kind of notice what people are told of when it changes."""
        if not self:
            return {}
        return {
            "template_state": self.state,
            "template_category": self.category,
            "template_quality": self.quality,
            "texts": [
                *(self.header_text or "", self.body, self.footer or ""),
                *self.button_ids.mapped(lambda button: (button.text, button.url)),
            ],
            "variables": [
                *(self.parameter_format, self.header_type),
                *sorted(
                    (v.component, v.name, v.button_index) for v in self.variable_ids
                ),
            ],
        }

    def _notice_changes(self, before):
        """Have people told of what is not as ``before``; pause what cannot go on."""
        after = self._told_values()
        subject = {"account_id": self.account_id.id, "template_id": self.id}
        texts, variables = (
            before.pop(name) != after.pop(name) for name in ("texts", "variables")
        )
        changes = {kind: (before[kind], after[kind]) for kind in after}
        self.env.flush_all()
        cr = self.env.cr
        news.notice_changes(cr, subject, changes, self.rejected_reason or "")
        if variables and before["template_state"] != "draft":
            values = {"template_id": self.id, "detail": self.display_name}
            cr.execute(queries.PAUSE_BY_CONTENT, values)
        if (texts or variables) and before["template_state"] != "draft":
            values = (None, "incompatible" if variables else "changed")
            news.notice(cr, subject, "template_content", values)
        cr.execute(queries.PAUSE_UNSENDABLE_BY_TEMPLATE, {"template_id": self.id})
        self.env["whatsapp.broadcast"].invalidate_model()

    @api.model
    def _sync_changed(self):
        """Read what was changed at the provider, outside of any transaction."""
        transaction = engine_transaction(self.env.registry)
        with transaction() as cr:
            cr.execute(queries.TAKE_TEMPLATES_TO_SYNC)
            taken = cr.fetchall()
        for template_id, sync_at in taken:
            template = self.browse(template_id)
            try:
                remote = template._fetch_remote()
            except Unreachable:
                continue  # it is tried again
            except UserError as error:
                _logger.warning("Template %s cannot be read: %s", template_id, error)
                remote = None
            with transaction() as cr:
                template = template.with_env(self.env(cr=cr))
                if remote:
                    template._merge_one(template.account_id, remote)
                    template.env.flush_all()
                values = {"id": template_id, "sync_at": sync_at}
                cr.execute(queries.TEMPLATE_SYNCED, values)

    def _fetch_remote(self):
        """Return the template as the provider knows it, with no transaction open."""
        with self.account_id._remote() as (provider, call):
            external_id = self.external_id
            self.env["ir.cron"]._commit_progress()
            return provider.fetch_template(call, external_id)

    def _remote_values(self, remote):
        return {
            "external_id": remote.external_id,
            "category": remote.category,
            "state": self._known("state", remote.state),
            "quality": self._known("quality", remote.quality),
            "parameter_format": remote.parameter_format,
            "header_type": self._known("header_type", remote.header_type, "none"),
            "header_text": remote.header_text,
            "body": remote.body or "-",
            "footer": remote.footer,
            "rejected_reason": remote.rejected_reason,
            "unsupported_reason": remote.unsupported,
            "heard_at": heard_now(self, queries.TEMPLATE_COLUMNS),
        }

    def _known(self, field_name, value, otherwise="unknown"):
        return value if value in dict(self._fields[field_name].selection) else otherwise

    def _to_remote(self):
        return RemoteTemplate(
            external_id="",
            name=self.name,
            language=self.language,
            category=self.category,
            state="pending",
            parameter_format=self.parameter_format,
            header_type=self.header_type,
            header_text=self.header_text or "",
            body=self.body,
            footer=self.footer or "",
            buttons=tuple(
                RemoteButton(
                    index=button.index,
                    kind=button.kind,
                    text=button.text,
                    url=button.url or "",
                    phone=button.phone or "",
                )
                for button in self.button_ids
            ),
            variables=tuple(
                RemoteVariable(
                    component=variable.component,
                    name=variable.name,
                    button_index=variable.button_index,
                    sample=variable.sample or "",
                )
                for variable in self.variable_ids
            ),
        )

    # === VARIABLES OF A DRAFT === #

    def _read_placeholders(self):
        """Give a draft the variables that its texts name, and no others."""
        for template in self.filtered(lambda template: not template.external_id):
            template.variable_ids._merge_remote(
                template, template._placeholders(template.variable_ids)
            )

    def _placeholders(self, known):
        samples = {(v.component, v.name, v.button_index): v.sample for v in known}
        texts = [("header", self.header_text, 0), ("body", self.body, 0)]
        texts += [("button", button.url, button.index) for button in self.button_ids]
        keys = [
            (component, name, index)
            for component, text, index in texts
            for name in dict.fromkeys(PLACEHOLDER.findall(text or ""))
        ]
        return [RemoteVariable(*key, samples.get(key) or "") for key in keys]

    # === PROTECTION === #

    @api.depends("button_ids.is_opt_out")
    def _compute_opt_out_buttons(self):
        for template in self:
            template.opt_out_button_ids = template.button_ids.filtered("is_opt_out")

    def _inverse_opt_out_buttons(self):
        for template in self:
            for button in template.button_ids:
                button.is_opt_out = button in template.opt_out_button_ids

    @api.model_create_multi
    def create(self, vals_list):
        self._refuse_protected(*vals_list)
        templates = super().create(vals_list)
        templates._read_placeholders()
        return templates

    def write(self, vals):
        self._refuse_protected(vals)
        self._refuse_changed_content(vals)
        result = super().write(vals)
        if {"body", "header_text", "button_ids"} & vals.keys():
            self._read_placeholders()
        return result

    def _write_protected(self, vals):
        """Write what only the provider decides."""
        return super().write(vals)

    def _create_protected(self, vals):
        """Create with what only the provider decides."""
        return super().create([vals])

    def _refuse_protected(self, *vals_list):
        protected = {
            "state",
            "quality",
            "external_id",
            "rejected_reason",
            "heard_at",
            "sync_at",
        }
        if any(protected & vals.keys() for vals in vals_list):
            raise UserError(
                self.env._("The provider decides a template's state, not a person.")
            )

    def _refuse_changed_content(self, vals):
        content = {
            "account_id",
            "name",
            "language",
            "category",
            "parameter_format",
            "header_type",
            "header_text",
            "body",
            "footer",
        }
        if content & vals.keys() and self.filtered("external_id"):
            raise UserError(
                self.env._(
                    "A submitted template cannot be changed here. Duplicate it under "
                    "another name, or edit it in the provider's template manager and "
                    "synchronise."
                )
            )

    def copy_data(self, default=None):
        vals_list = super().copy_data(default)
        for template, vals in zip(self, vals_list, strict=True):
            vals["name"] = (default or {}).get("name", f"{template.name}_copy")
        return vals_list

    @api.ondelete(at_uninstall=False)
    def _unlink_unless_used(self):
        used = (
            self.env["whatsapp.broadcast"]
            .sudo()
            .with_context(active_test=False)
            ._read_group([("template_id", "in", self.ids)], ["template_id"])
        )
        if used:
            raise UserError(
                self.env._(
                    "%s is used by broadcasts. Archive it instead.",
                    ", ".join(template.display_name for (template,) in used),
                )
            )
