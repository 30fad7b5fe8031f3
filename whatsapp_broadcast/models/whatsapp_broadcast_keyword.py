from odoo import api, fields, models
from odoo.exceptions import ValidationError

from ..engine.consents import keyword_key


class WhatsappBroadcastKeyword(models.Model):
    """A word that, alone in a message, opts out or in."""

    _name = "whatsapp.broadcast.keyword"
    _description = "WhatsApp Opt-out Word"
    _order = "action desc, lang, word"
    _rec_name = "word"

    word = fields.Char(required=True)
    key = fields.Char(compute="_compute_key", store=True)
    action = fields.Selection(
        [("stop", "Opts out"), ("start", "Opts in again")],
        required=True,
        default="stop",
    )
    lang = fields.Char(
        "Language", help="A word counts in any language: this is for order only."
    )
    active = fields.Boolean(default=True)

    _key_unique = models.Constraint("UNIQUE (key)", "This word is there already.")

    @api.depends("word")
    def _compute_key(self):
        for keyword in self:
            keyword.key = keyword_key(keyword.word)

    @api.constrains("word")
    def _check_word(self):
        for keyword in self:
            if not keyword.key:
                raise ValidationError(
                    self.env._("Enter a word: signs alone say nothing to anybody.")
                )
