"""Short transactions of our own, for the engine."""

from contextlib import contextmanager
from functools import partial

from psycopg2.extensions import ISOLATION_LEVEL_READ_COMMITTED

from odoo.sql_db import Cursor


def engine_transaction(registry):
    """Return the engine's ``transaction``: a cursor that commits at the end.

    Odoo's REPEATABLE READ makes concurrent claims fail with serialization errors, even
    as the first statement; READ COMMITTED lets them wait for the row and go on.
    """

    @contextmanager
    def transaction():
        with registry.cursor() as cr:
            if isinstance(cr, Cursor):  # a test cursor is inside a transaction already
                # A failed statement would be logged with the phones in it.
                cr.execute = partial(cr.execute, log_exceptions=False)
                # Said by BEGIN itself: no statement of its own in each transaction.
                cr.connection.set_isolation_level(ISOLATION_LEVEL_READ_COMMITTED)
            yield cr

    return transaction
