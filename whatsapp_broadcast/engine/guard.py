"""A copy stays quiet: what was queued may have been sent since by the original."""

from . import queries


def guard(cr):
    """Pause everything in a restored or copied database; return the paused ids.

    Single messages fail: nobody could resume them.

    A copy shows by another database uuid, cluster or name, a restored one by a
    heartbeat that is older than 15 minutes. Both also fit a server that stood still
    for long: there, too, a person is asked.
    """
    cr.execute(queries.BEAT)
    origin, known, silent = cr.fetchone()
    paused = []
    if silent or (known and known != origin):
        cr.execute(queries.PAUSE_EVERYTHING)
        paused = [id_ for (id_,) in cr.fetchall()]
        message = "This database was restored, copied or stood still"
        values = {"error_class": "restored", "error_message": message}
        cr.execute(queries.FAIL_DUE_MESSAGES, {**values, "account_id": None})
    if known != origin:
        cr.execute(queries.SET_ORIGIN, {"origin": origin})
    return paused
