# One concern, one file: the broadcast in one file would be too long to read.
# pylint: disable=consider-merging-classes-inherited

from odoo import models
from odoo.exceptions import UserError

#: How the look of a value says whether it is well; others are to be looked at.
WELL = {
    "approved": "success",
    "connected": "success",
    "green": "success",
    "yellow": "warning",
    "red": "danger",
    "unknown": "muted",
}


class WhatsappBroadcast(models.Model):
    """How the template and the number are, by the provider's own word."""

    _inherit = "whatsapp.broadcast"

    def get_health(self):
        """Ask the provider how number and template are, and take over what it says.

        What was done before in this transaction is committed: none is open while the
        provider is asked.

        :return: ``error`` (why it could not be asked, else empty: what is known here
            is shown then), ``changes`` (of the template since it was chosen, in words)
            and ``rows``, dicts ``label value look`` in the user's language; ``look``
            is success, warning, danger or muted
        :rtype: dict
        """
        self.ensure_one()
        self.check_access("write")
        error = ""
        try:
            self._ask_health()
        except UserError as refused:
            error = str(refused)
        return {
            "error": error,
            "changes": self.template_changes or "",
            "rows": self._health_rows(),
        }

    def _ask_health(self):
        account, template, templates = self.account_id, self.template_id, []
        external_id = template.external_id
        with account._remote() as (provider, call):
            self.env["ir.cron"]._commit_progress()  # none is open in the call
            numbers = list(provider.list_numbers(call))
            if external_id:
                templates = [provider.fetch_template(call, external_id)]
        self.number_id._merge_remote(account, numbers)
        template.sudo()._merge_remote(account, templates)
        self.env.invalidate_all()

    def _health_rows(self):
        number_sudo, template_sudo = self.number_id.sudo(), self.template_id.sudo()
        rows = [
            self._health_row(self.env._("Number"), number_sudo, "state"),
            self._health_row(
                self.env._("Quality of the number"), number_sudo, "quality"
            ),
            self._limit_row(number_sudo.daily_limit),
        ]
        if template_sudo:
            rows += [
                self._health_row(self.env._("Template"), template_sudo, "state"),
                self._category_row(template_sudo),
                self._health_row(
                    self.env._("Quality of the template"), template_sudo, "quality"
                ),
            ]
        return rows

    def _health_row(self, label, record, name):
        labels = dict(record._fields[name]._description_selection(self.env))
        value = record[name]
        # A template of no known quality is a new one.
        look = WELL.get(value, "danger" if name == "state" else "muted")
        return {"label": label, "value": labels.get(value, ""), "look": look}

    def _limit_row(self, limit):
        return {
            "label": self.env._("New people in 24 hours"),
            "value": f"{limit:,}" if limit else self.env._("No limit known"),
            "look": "muted",
        }

    def _category_row(self, template):
        row = self._health_row(self.env._("Category"), template, "category")
        return {**row, "look": "muted"}
