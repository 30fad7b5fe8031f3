"""Waking crons whatever the host's clock says."""

from datetime import timedelta

from odoo import fields


def wake(cron, seconds=0):
    """Have a cron called after ``seconds`` by the database's clock.

    Odoo asks the database's clock whether a cron is due, and the host's when to be
    called and whether to say so at once.
    """
    at = cron.env.cr.now() + timedelta(seconds=max(seconds, 0))
    cron._trigger(at)
    if seconds <= 0 and at > fields.Datetime.now():
        cron.env.cr.postcommit.add(cron._notifydb)
