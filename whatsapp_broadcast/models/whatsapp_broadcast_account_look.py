# One concern, one file: the account in one file would be too long to read.
# pylint: disable=consider-merging-classes-inherited

import logging
from typing import NamedTuple

from odoo import api, models
from odoo.exceptions import UserError

from ..engine import queries
from ..engine.results import act
from ..providers import ErrorClass, ProviderError
from ..tools.transactions import engine_transaction

_logger = logging.getLogger(__name__)

#: Those that stop an account whatever the call was.
STOPPING = (ErrorClass.ACCOUNT, ErrorClass.CREDENTIALS)


class Remote(NamedTuple):
    """What the hourly look at an account found; None was not asked for."""

    is_overridden: bool | None = None
    numbers: list | None = None
    templates: list | None = None
    error: object = None  #: that stops the account


class WhatsappBroadcastAccount(models.Model):
    """What does not come by webhook is read, once an hour."""

    _inherit = "whatsapp.broadcast.account"

    @api.model
    def _check_accounts(self):
        """Ask once an hour where webhooks go to; read what does not come here."""
        transaction = engine_transaction(self.env.registry)
        with transaction() as cr:
            cr.execute(queries.TAKE_ACCOUNTS_TO_CHECK)
            taken = [id_ for (id_,) in cr.fetchall()]
        for account in self.browse(taken):
            try:
                remote = account._look()
            except UserError as error:  # in an hour again
                _logger.warning("Account %s cannot be read: %s", account.id, error)
                continue
            with transaction() as cr:
                account.with_env(self.env(cr=cr))._merge_look(remote)

    def _look(self):
        """Return what the provider says now, read with no transaction open.

        :rtype: Remote
        """
        with self._remote() as (provider, call):
            is_deaf = self.state == "deaf"
            numbers = self.number_ids.mapped("external_id")
            self.env["ir.cron"]._commit_progress()
            try:
                overridden = self._is_overridden(provider, call, numbers)
                if not (overridden or is_deaf):
                    return Remote(overridden)
                provider.fetch_account_name(call)
                return Remote(
                    overridden,
                    list(provider.list_numbers(call)),
                    list(provider.list_templates(call)),
                )
            except ProviderError as refused:
                if refused.error.error_class not in STOPPING:
                    raise
                return Remote(error=refused.error)

    def _is_overridden(self, provider, call, numbers):
        """Tell whether webhooks on some of these numbers go somewhere of their own."""
        callbacks = [provider.fetch_callback(call, number) for number in numbers]
        return any(callback.account or callback.number for callback in callbacks)

    def _merge_look(self, remote):
        if remote.error:
            self._stop(remote.error)
            return
        if remote.is_overridden != self.has_override:
            self._write_protected({"has_override": remote.is_overridden})
        if remote.numbers is not None:
            self.number_ids._merge_remote(self, remote.numbers)
            self.template_ids._merge_remote(self, remote.templates)

    def _stop(self, error):
        """Let an error act as one that a message was refused with."""
        row = {"account_id": self.id, "number_id": None, "template_id": None}
        code = f"({error.code}) " if error.code else ""
        detail = f"{code}{error.message}"[:500]
        act(self.env.cr, [(row, error.error_class.value, detail)])
