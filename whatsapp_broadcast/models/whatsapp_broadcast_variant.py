from odoo import api, fields, models
from odoo.exceptions import ValidationError

#: With the broadcast's own message, A.
MOST_VARIANTS = 3


class WhatsappBroadcastVariant(models.Model):
    """Another message of an A/B test, beside the broadcast's own, which is A."""

    _name = "whatsapp.broadcast.variant"
    _description = "WhatsApp Broadcast Variant"
    _order = "broadcast_id, id"

    broadcast_id = fields.Many2one(
        "whatsapp.broadcast", required=True, ondelete="cascade", index=True
    )
    name = fields.Char(compute="_compute_name")
    account_id = fields.Many2one(related="broadcast_id.account_id")
    audience_model = fields.Selection(related="broadcast_id.audience_model")
    audience_type = fields.Selection(related="broadcast_id.audience_type")
    custom_columns = fields.Json(related="broadcast_id.custom_columns")
    template_id = fields.Many2one(
        "whatsapp.broadcast.template",
        required=True,
        ondelete="restrict",
        index=True,
        domain="[('account_id', '=', account_id), ('state', '=', 'approved'),"
        " ('unsupported_reason', 'in', (False, ''))]",
    )
    template_version = fields.Char(
        compute="_compute_template_version", help="Another one: other variables."
    )
    template_params = fields.Json("Variables")

    @api.depends("broadcast_id.variant_ids")
    def _compute_name(self):
        for variant in self:
            siblings = variant.broadcast_id.variant_ids
            names = dict(zip(siblings.ids, "BC", strict=False))
            variant.name = names.get(variant.id, "B")

    @api.depends("template_id")
    def _compute_template_version(self):
        for variant in self:
            variant.template_version = str(variant.template_id.id or "")

    @api.constrains("template_id", "broadcast_id")
    def _check_template(self):
        for variant in self:
            own, template = variant.broadcast_id.template_id, variant.template_id
            if len(variant.broadcast_id.variant_ids) >= MOST_VARIANTS:
                raise ValidationError(
                    self.env._("A test compares three messages at most.")
                )
            if template.account_id != variant.broadcast_id.account_id:
                raise ValidationError(
                    self.env._(
                        "Template %s belongs to another account.", template.display_name
                    )
                )
            if own and template.category != own.category:
                raise ValidationError(
                    self.env._(
                        "%(other)s and %(own)s are of different categories: they cost "
                        "different prices, and not everybody may get both.",
                        other=template.display_name,
                        own=own.display_name,
                    )
                )

    # === PROTECTION === #

    @api.model_create_multi
    def create(self, vals_list):
        variants = super().create(vals_list)
        variants.broadcast_id._change_variants()
        return variants

    def write(self, vals):
        self.broadcast_id._change_variants()
        return super().write(vals)

    def unlink(self):
        self.broadcast_id._change_variants()
        return super().unlink()
