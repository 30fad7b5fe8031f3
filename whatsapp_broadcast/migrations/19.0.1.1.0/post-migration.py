COUNT_FAILURES = """
INSERT INTO whatsapp_broadcast_counter (broadcast_id, name, delta)
SELECT broadcast_id, 'failed:' || error_class, count(*)
FROM whatsapp_broadcast_recipient
WHERE state = 'failed' AND error_class IS NOT NULL
GROUP BY 1, 2
"""

NAME_OID = """
WITH marks AS (
    SELECT p.value AS uuid, c.system_identifier AS cluster, d.oid, d.datname AS name
    FROM ir_config_parameter p, pg_control_system() c, pg_database d
    WHERE p.key = 'database.uuid' AND d.datname = current_database()
)
UPDATE ir_config_parameter p
SET value = concat_ws(':', m.uuid, m.cluster, m.oid, m.name)
FROM marks m
WHERE p.key = 'whatsapp_broadcast.origin'
    AND p.value = concat_ws(':', m.uuid, m.cluster, m.name)
"""


def migrate(cr, version):
    """Follow two changes in what is stored.

    Failures are counted by class: what failed before is, too, or a failed row that is
    sent again would be taken off a count it is not in. And a database knows itself by
    its oid besides: one that did not would take itself for a copy, and pause.
    """
    cr.execute(COUNT_FAILURES)
    cr.execute(NAME_OID)
