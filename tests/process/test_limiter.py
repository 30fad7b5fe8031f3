"""Slots are given out once, whoever asks, on real connections at the same time."""

import threading
import time
from contextlib import closing

from engine import limiter

from tools import postgres

SPACING = limiter.number_spacing(80)


def take(connection, wanted, got):
    """Take slots in one transaction, as a claim does."""
    with connection, connection.cursor() as cr:
        cr.execute("SET TRANSACTION ISOLATION LEVEL READ COMMITTED")
        slots = limiter.look(cr, "number", 1, SPACING)
        count = min(slots.count, wanted)
        if count:
            limiter.use(cr, "number", 1, count * SPACING)
    got += [slots.at(position) for position in range(count)]


def test_many_workers_never_share_a_slot_nor_exceed_the_limit(odoo_env):
    database = odoo_env.database()
    got, end = [], time.monotonic() + 3

    def work():
        with closing(postgres.connect(database)) as connection:
            while time.monotonic() < end:
                take(connection, 7, got)

    with closing(postgres.connect(database)) as connection:
        take(connection, 1, got)  # the row exists before the race for it
    workers = [threading.Thread(target=work) for _ in range(8)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()

    got.sort()
    assert len(got) > 100
    for position, first in enumerate(got):
        assert sum(1 for slot in got[position:] if slot < first + 1) <= 80


def test_slots_that_nobody_took_are_lost(odoo_env):
    database = odoo_env.database()
    with closing(postgres.connect(database)) as connection:
        take(connection, 1, [])
        with connection, connection.cursor() as cr:
            cr.execute(
                "UPDATE whatsapp_broadcast_pace SET next_slot_at = next_slot_at"
                " - interval '1 hour'"
            )
        got = []
        take(connection, 10_000, got)
    assert len(got) == int(limiter.HORIZON / SPACING) + 1
