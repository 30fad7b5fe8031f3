from odoo import fields, models


class WhatsappBroadcastTemplateButton(models.Model):
    _name = "whatsapp.broadcast.template.button"
    _description = "WhatsApp Template Button"
    _order = "template_id, index"
    _rec_name = "text"

    template_id = fields.Many2one(
        "whatsapp.broadcast.template", required=True, ondelete="cascade", index=True
    )
    index = fields.Integer(required=True, help="Position, from 0.")
    kind = fields.Selection(
        [
            ("quick_reply", "Quick Reply"),
            ("url", "Visit Website"),
            ("phone_number", "Call Number"),
            ("copy_code", "Copy Code"),
            ("other", "Other"),
        ],
        required=True,
        default="quick_reply",
    )
    text = fields.Char(required=True, size=25)
    url = fields.Char("URL", size=2000)
    phone = fields.Char()
    is_opt_out = fields.Boolean(
        "Opts Out", help="Who presses it gets no marketing messages any more."
    )

    _index_unique = models.Constraint(
        "UNIQUE (template_id, index)", "Two buttons have the same position."
    )

    def _merge_remote(self, template, remote_buttons):
        """Replace the template's buttons by the provider's; our own marks stay."""
        marked = set(self.filtered("is_opt_out").mapped("text"))
        tracked = set(self.filtered("is_tracked").mapped("url"))
        self.unlink()
        self.create(
            [
                {
                    "template_id": template.id,
                    "index": button.index,
                    "kind": button.kind,
                    "text": button.text or "-",
                    "url": button.url,
                    "phone": button.phone,
                    "is_opt_out": button.text in marked,
                    # also when this server has another address by now
                    **({"is_tracked": True} if button.url in tracked else {}),
                }
                for button in remote_buttons
            ]
        )
