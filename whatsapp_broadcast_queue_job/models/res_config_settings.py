from odoo import fields, models


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    whatsapp_broadcast_runner_state = fields.Selection(
        [
            ("running", "Running"),
            ("missing", "Not connected"),
            ("late", "Not starting jobs"),
        ],
        string="Job Runner",
        compute="_compute_whatsapp_broadcast_runner_state",
    )

    def _compute_whatsapp_broadcast_runner_state(self):
        lanes = self.env["whatsapp.broadcast.lane"]
        self.whatsapp_broadcast_runner_state = lanes._runner_state()
