"""Short transactions of our own, for the engine."""

from contextlib import contextmanager
from functools import partial

from psycopg2.extensions import (
    ISOLATION_LEVEL_AUTOCOMMIT,
    ISOLATION_LEVEL_READ_COMMITTED,
)

from odoo.sql_db import Cursor

#: A host that goes dead in mid-transaction would keep its locks for the hours that TCP
#: takes to notice; so the database frees them after half a minute. And no statement
#: here takes as long as compiling its plan.
SETTINGS = "SET LOCAL idle_in_transaction_session_timeout = '30s'; SET LOCAL jit = off;"


def engine_transaction(registry):
    """Return the engine's ``transaction``: a cursor that commits at the end.

    Odoo's REPEATABLE READ makes concurrent claims fail with serialization errors, even
    as the first statement; READ COMMITTED lets them wait for the row and go on.
    """

    @contextmanager
    def transaction():
        with registry.cursor() as cr:
            if isinstance(cr, Cursor):  # a test cursor is inside a transaction already
                _apply_settings(cr)
                # Said by BEGIN itself: no statement of its own in each transaction.
                cr.connection.set_isolation_level(ISOLATION_LEVEL_READ_COMMITTED)
            yield cr

    return transaction


def commit_each_statement(cr):
    """Let each statement of a cursor from now on be a transaction of its own.

    For a request that has one: BEGIN and COMMIT would be two more round trips. What
    was not committed is rolled back.
    """
    if isinstance(cr, Cursor):  # a test cursor is inside a transaction already
        cr.connection.set_isolation_level(ISOLATION_LEVEL_AUTOCOMMIT)


def _apply_settings(cr):
    """Let the first statement of a transaction carry them: one way, not two."""
    # A failed statement would be logged with the phones in it.
    execute = partial(cr.execute, log_exceptions=False)

    def execute_first(query, params=None, **options):
        cr.execute = execute
        if isinstance(query, str):
            query = SETTINGS + query
        else:  # an SQL object of the ORM
            execute(SETTINGS)
        return execute(query, params, **options)

    cr.execute = execute_first
