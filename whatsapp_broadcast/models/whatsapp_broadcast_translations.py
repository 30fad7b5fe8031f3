# One concern, one file: the broadcast in one file would be too long to read.
# pylint: disable=consider-merging-classes-inherited

from odoo import api, fields, models


class WhatsappBroadcast(models.Model):
    """A template in the language of whoever gets it.

    Meta keeps a template's translations under one name. People whose language has none,
    or who have no language, get the chosen one.
    """

    _inherit = "whatsapp.broadcast"

    in_recipient_language = fields.Boolean(
        "In each person's language",
        help="Whoever has another language gets the template's translation, if it is "
        "approved and asks for the same values; all others get the chosen one.",
    )
    version_ids = fields.One2many("whatsapp.broadcast.version", "broadcast_id")
    translation_ids = fields.Many2many(
        "whatsapp.broadcast.template",
        "Translations",
        compute="_compute_translations",
        help="Of the chosen template, ready to be sent.",
    )
    unfit_translation_ids = fields.Many2many(
        "whatsapp.broadcast.template",
        compute="_compute_translations",
        help="Not approved, of another category, or with other values.",
    )

    @api.depends("template_id", "message_type")
    def _compute_translations(self):
        for broadcast in self:
            template = broadcast.template_id
            if broadcast.message_type != "template":
                template = template.browse()
            others = template._translations()
            broadcast.translation_ids = others.filtered(template._is_alike)
            broadcast.unfit_translation_ids = others - broadcast.translation_ids

    def _freeze_versions(self):
        """Remember what else is sent: translations with their languages, variants."""
        self.version_ids.sudo().unlink()
        by_template = {variant.template_id: [] for variant in self.variant_ids}
        for code, template in self._template_by_language().items():
            by_template.setdefault(template, []).append(code)
        self.env["whatsapp.broadcast.version"].sudo().create(
            [
                {"broadcast_id": self.id, "template_id": template.id, "langs": codes}
                for template, codes in by_template.items()
            ]
        )

    def _template_by_language(self):
        """Return {code of Odoo's language: whose people get which other template}."""
        if not self.in_recipient_language:
            return {}
        own = self.template_id
        others = own._translations().filtered(own._is_alike)
        chosen = {
            code: own._in_language(code, others)
            for code, _name in self.env["res.lang"].get_installed()
        }
        return {code: template for code, template in chosen.items() if template != own}

    def _translation_values(self):
        """Return the parameters of ``FREEZE`` by which each gets a translation."""
        pairs = [
            (code, version.template_id)
            for version in self.version_ids
            for code in version.langs or ()
        ]
        return {
            "langs": [code for code, _template in pairs],
            "lang_template_ids": [template.id for _code, template in pairs],
            "template_langs": [template.language for _code, template in pairs],
        }


class WhatsappBroadcastTemplate(models.Model):
    _inherit = "whatsapp.broadcast.template"

    def _translations(self):
        """Return the same template in other languages."""
        if not self:
            return self
        named = [("account_id", "=", self.account_id.id), ("name", "=", self.name)]
        return self.search([*named, ("id", "!=", self.id)])

    def _is_alike(self, other):
        """Tell whether ``other`` can stand in for this one with the same values."""
        return (
            other.state == "approved"
            and not other.unsupported_reason
            and other.category == self.category
            and other.header_type == self.header_type
            and other._places() == self._places()
        )

    def _places(self):
        kinds = {button.index: button.kind for button in self.button_ids}
        return {
            (v.component, v.is_tracked, *v._name_in_message(kinds))
            for v in self.variable_ids
        }

    def _in_language(self, code, others):
        """Return which of this one and ``others`` suits best.

        :param str code: of Odoo's language, such as ``es_MX``; Meta's are like it, with
            or without the country
        """
        short = code.partition("_")[0]
        candidates = self + others
        for suits in (
            lambda template: template.language == code,
            lambda template: template.language == short,
            lambda template: template.language.partition("_")[0] == short,
        ):
            if found := candidates.filtered(suits):
                return found[0]
        return self
