"""Waking crons whatever the host's clock says."""

from datetime import timedelta


def wake(cron, seconds=0):
    """Have a cron called after ``seconds`` by the database's clock.

    Odoo asks the database's clock whether a cron is due, and the host's, in whole
    seconds, whether to say so at once: it may stay silent.

    For later it is enough that it is called before anyway: it looks again then. Odoo
    keeps each trigger, and a cron that plans its next call would multiply.
    """
    now = cron.env.cr.now()
    at = now + timedelta(seconds=max(seconds, 0))
    if seconds > 0 and _is_called(cron, now, at):
        return
    cron._trigger(at)
    if seconds <= 0:
        cron.env.cr.postcommit.add(cron._notifydb)


def _is_called(cron, after, until):
    between = [("call_at", ">", after), ("call_at", "<=", until)]
    return after < cron.nextcall <= until or bool(
        cron.env["ir.cron.trigger"].search_count(
            [("cron_id", "=", cron.id), *between], limit=1
        )
    )
