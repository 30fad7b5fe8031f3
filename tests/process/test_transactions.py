"""The engine's transactions, on Odoo's real cursors."""

LOOK = """
from odoo.addons.whatsapp_broadcast.tools.transactions import engine_transaction

LIMIT = "SHOW idle_in_transaction_session_timeout"

def ask(cr, statement):
    cr.execute(statement)
    return cr.fetchone()[0]

with engine_transaction(env.registry)() as cr:
    inside = [ask(cr, LIMIT), ask(cr, LIMIT), ask(cr, "SHOW transaction_isolation")]
with env.registry.cursor() as cr:  # the same connection, from the pool
    outside = [ask(cr, LIMIT), ask(cr, "SHOW transaction_isolation")]
result = inside + outside
"""


def test_locks_of_a_dead_host_are_freed_and_others_see_no_change(odoo_env):
    assert odoo_env.run(odoo_env.database(), LOOK) == [
        *("30s", "30s", "read committed"),
        *("0", "repeatable read"),
    ]
