# One concern, one file: the broadcast in one file would be too long to read.
# pylint: disable=consider-merging-classes-inherited

import base64
import mimetypes

from odoo import api, models
from odoo.exceptions import UserError, ValidationError
from odoo.tools.mimetypes import guess_mimetype

from ..providers import Unsupported
from .whatsapp_broadcast_template_variable import USER_FIELDS
from .whatsapp_broadcast_values import ROW


class WhatsappBroadcast(models.Model):
    """What must be right always, and before a broadcast is launched or goes on."""

    _inherit = "whatsapp.broadcast"

    # === ALWAYS === #

    @api.constrains("company_id", "number_id")
    def _check_number_company(self):
        for broadcast in self:
            number_sudo = broadcast.number_id.sudo()
            allowed = number_sudo.company_ids or number_sudo.account_id.company_id
            if allowed and broadcast.company_id not in allowed:
                raise ValidationError(
                    self.env._(
                        "%(number)s may not be used by %(company)s.",
                        number=number_sudo.display_name,
                        company=broadcast.company_id.name,
                    )
                )

    @api.constrains("template_params", "audience_model")
    def _check_template_params(self):
        for broadcast in self:
            params = broadcast.template_params or {}
            if not isinstance(params, dict) or not all(map(_is_value, params.values())):
                raise ValidationError(
                    self.env._(
                        "Variables are given by name, as in "
                        '{"body.1": {"field": "contact_name"}, "body.2": "May 5"}.'
                    )
                )
            for value in params.values():
                broadcast._check_value_readable(value)

    @api.constrains("number_id", "template_id")
    def _check_template_account(self):
        for broadcast in self:
            template = broadcast.template_id
            if template and template.account_id != broadcast.number_id.account_id:
                raise ValidationError(
                    self.env._(
                        "Template %(template)s belongs to another account than "
                        "%(number)s.",
                        template=template.display_name,
                        number=broadcast.number_id.display_name,
                    )
                )

    # === BEFORE A LAUNCH === #

    def _check_launchable(self, accept_no_webhook):
        self._check_sender()
        self._check_message()
        self._check_audience()
        marketing = self.template_category == "marketing"
        if self.hears_nothing and marketing and not accept_no_webhook:
            raise UserError(
                self.env._(
                    "Account %s never received a webhook: statuses, replies and STOP "
                    "cannot arrive. Connect the webhook first, or confirm that this "
                    "marketing broadcast is to go out all the same "
                    "(accept_no_webhook).",
                    self.account_id.sudo().name,
                )
            )

    def _check_prepared_values(self):
        """Refuse what was prepared with other variables than the template has now."""
        row = self.env["whatsapp.broadcast.recipient"].search(
            [("broadcast_id", "=", self.id), ("due_at", "!=", False)], limit=1
        )
        if not row or self.message_type != "template":
            return
        prepared = {
            (component, *item[:-1])
            for component, items in (row.variables or {}).items()
            for item in items
        }
        template, params = self._wordings()[row.variant or "A"]
        model = self.env[self.audience_model]
        places = self._values_of(model, template, params).places
        if prepared != {(component, *before) for component, before in places}:
            raise UserError(
                self.env._(
                    "Template %s has other variables than when this broadcast was "
                    "prepared, so its messages would be refused. Cancel it, and launch "
                    "a duplicate for those who were not written to.",
                    self.template_id.display_name,
                )
            )

    def _check_sender(self):
        self._check_number_company()
        account_sudo, number_sudo = self.account_id.sudo(), self.number_id.sudo()
        if account_sudo.state in ("draft", "error") or not account_sudo.active:
            raise UserError(
                self.env._(
                    "Account %(account)s is not connected. %(detail)s Ask an "
                    "administrator to open it and press Connect.",
                    account=account_sudo.name,
                    detail=account_sudo.error_message or "",
                )
            )
        if number_sudo.state != "connected" or not number_sudo.active:
            raise UserError(
                self.env._(
                    "%(number)s cannot send: its state is %(state)s. %(detail)s",
                    number=number_sudo.display_name,
                    state=dict(number_sudo._fields["state"].selection)[
                        number_sudo.state
                    ],
                    detail=number_sudo.error_message or "",
                )
            )

    def _check_message(self):
        if self.message_type == "template":
            self._check_template()
        elif self.message_type == "text" and not (self.body or "").strip():
            raise UserError(self.env._("Write the text that is to be sent."))
        elif self.message_type == "media" and not self.media_kind:
            raise UserError(self.env._("Choose the kind of media."))
        elif self.message_type == "media" and self.media_kind == "audio":
            self._check_no_caption()
        self._check_text_lengths()
        self._check_links()
        needs_media = self.message_type == "media" or self.template_header_type in (
            "image",
            "video",
            "document",
        )
        if needs_media and not (self.media_file or self.media_link):
            raise UserError(self.env._("Add the media file, or a link to it."))
        if needs_media and self.media_file:
            self._check_media_file()

    def _check_no_caption(self):
        if self.media_caption:
            raise UserError(self.env._("Audio has no caption. Empty it."))

    def _check_media_file(self):
        content, mimetype = self._read_media()
        kind = self.media_kind if self.message_type == "media" else None
        kind = kind or self.template_header_type
        if kind in ("image", "video", "audio") and not mimetype.startswith(f"{kind}/"):
            raise UserError(
                self.env._(
                    "The file is of type %(type)s, but %(kind)s is to be sent.",
                    type=mimetype,
                    kind=kind,
                )
            )
        try:
            self.account_id._parser().check_media(content, mimetype)
        except Unsupported as error:
            raise UserError(str(error)) from None

    def _read_media(self):
        """Return (bytes, MIME type) of the file; its content counts, then its name."""
        content = base64.b64decode(self.with_context(bin_size=False).media_file)
        by_name = mimetypes.guess_type(self.media_filename or "")[0]
        return content, guess_mimetype(content, by_name or "application/octet-stream")

    def _check_template(self):
        if not self.template_id:
            raise UserError(self.env._("Choose a template."))
        self._check_template_sendable(self.template_id)
        others = self.variant_ids.template_id
        if self.state != "draft":  # of a draft translations are chosen anew
            others |= self.version_ids.template_id
        for template in others:
            self._check_template_sendable(template)
        self._check_variables_set()

    def _check_template_sendable(self, template):
        if template.state != "approved":
            raise UserError(
                self.env._(
                    "Template %(template)s is not approved: its state is %(state)s. "
                    "Choose another, or wait for the provider's approval.",
                    template=template.display_name,
                    state=dict(template._fields["state"].selection)[template.state],
                )
            )
        if template.unsupported_reason:
            raise UserError(template.unsupported_reason)

    def _check_variables_set(self):
        for template, params in self._wordings().values():
            self._check_variables_of(template, params)

    def _check_variables_of(self, template, params):
        model = ROW if self.audience_type == "custom" else self.audience_model
        params = self._params_for(model, params)
        unset = template.variable_ids.filtered(
            lambda variable: not variable._is_set(model, params)
        )
        if unset:
            raise UserError(
                self.env._(
                    "These variables of %(template)s have no value: %(variables)s. "
                    "Choose a field or a text for each.",
                    template=template.display_name,
                    variables=", ".join(unset.mapped("display_name")),
                )
            )


def _is_value(value):
    """Tell whether ``value`` is a text or {field, text, user, column, fallback}."""
    if isinstance(value, dict):
        return value.get("user", False) in (False, *USER_FIELDS) and all(
            isinstance(part, str | bool) for part in value.values()
        )
    return isinstance(value, str)
