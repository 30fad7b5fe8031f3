"""Only the engine's statements of the named processes are counted."""

from benchmarks.statements import count

LOG = """\
2026-11-21 13:00:00,001 11 DEBUG test odoo.sql_db: [0.123 ms] query: \
SET TRANSACTION ISOLATION LEVEL READ COMMITTED
2026-11-21 13:00:00,002 11 DEBUG test odoo.sql_db: [0.456 ms] query: 
WITH free AS (
    SELECT id FROM whatsapp_broadcast_lane
)
UPDATE whatsapp_broadcast_lane SET owner = 'a'
2026-11-21 13:00:00,003 11 DEBUG test odoo.sql_db: [0.1 ms] query: \
SELECT id FROM ir_cron
2026-11-21 13:00:00,004 12 DEBUG test odoo.sql_db: [0.1 ms] query: \
SELECT id FROM whatsapp_broadcast
2026-11-21 13:00:00,005 11 INFO test odoo.models: whatsapp_broadcast is a word
2026-11-21 13:00:00,006 11 DEBUG test odoo.sql_db: [0.1 ms] query: \
SELECT b.id FROM whatsapp_broadcast b
"""


def test_each_kind_is_counted_once():
    assert count(LOG, {11}) == {
        "SET TRANSACTION": 1,
        "UPDATE whatsapp_broadcast_lane": 1,
        "SELECT whatsapp_broadcast": 1,
    }


def test_other_processes_are_others():
    assert count(LOG, {12}) == {"SELECT whatsapp_broadcast": 1}
