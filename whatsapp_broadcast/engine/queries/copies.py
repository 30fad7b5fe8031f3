"""A database is told from its copy."""

from .clock import NOW

#: Says that this database is alive; returns what tells it from its copy, and whether it
#: was silent for long before. A dump restored in place, under the same name, is a new
#: database by its oid only.
BEAT = f"""
WITH beat AS (
    INSERT INTO whatsapp_broadcast_pace (kind, key, next_slot_at)
    VALUES ('heartbeat', 0, {NOW})
    ON CONFLICT (kind, key) DO UPDATE SET next_slot_at = {NOW}
)
SELECT (SELECT value FROM ir_config_parameter WHERE key = 'database.uuid')
        || ':' || (SELECT system_identifier FROM pg_control_system())
        || ':' || (SELECT oid FROM pg_database WHERE datname = current_database())
        || ':' || current_database() AS origin,
    (SELECT value FROM ir_config_parameter WHERE key = 'whatsapp_broadcast.origin')
        AS known,
    (
        SELECT next_slot_at < {NOW} - interval '15 minutes'
        FROM whatsapp_broadcast_pace WHERE kind = 'heartbeat' AND key = 0
    ) AS silent
"""

SET_ORIGIN = f"""
INSERT INTO ir_config_parameter (key, value, create_date, write_date)
VALUES ('whatsapp_broadcast.origin', %(origin)s, {NOW}, {NOW})
ON CONFLICT (key) DO UPDATE SET value = EXCLUDED.value, write_date = {NOW}
"""

PAUSE_EVERYTHING = f"""
UPDATE whatsapp_broadcast SET
    state = 'paused', state_reason = 'restored', write_date = {NOW}
WHERE state IN ('scheduled', 'preparing', 'sending')
RETURNING id
"""
