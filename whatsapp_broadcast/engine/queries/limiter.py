"""Limits: when their next slot begins, and how they slow down."""

from .clock import NOW

CLOCK = "SELECT EXTRACT(EPOCH FROM clock_timestamp())::float"

ADD_PACE = f"""
INSERT INTO whatsapp_broadcast_pace (kind, key, next_slot_at)
VALUES (%(kind)s, %(key)s, {NOW})
ON CONFLICT (kind, key) DO NOTHING
"""

#: Slower by a share, and a rest; at most once a second, as many rows say the same.
#: The factor recovers with time: see TURN.
SLOW_DOWN = f"""
UPDATE whatsapp_broadcast_pace SET
    factor = GREATEST(%(least)s, %(share)s * LEAST(1, COALESCE(
        factor + %(recovery)s * EXTRACT(EPOCH FROM {NOW} - slowed_at), 1
    ))),
    slowed_at = {NOW},
    next_slot_at = GREATEST(next_slot_at, {NOW})
        + LEAST(20, %(rest)s / COALESCE(factor, 1)) * interval '1 second'
WHERE kind = 'number' AND key = %(number_id)s
    AND (slowed_at IS NULL OR slowed_at < {NOW} - interval '1 second')
"""

#: True for the one caller in ``seconds`` that finds the slot past.
TAKE_PACE = f"""
UPDATE whatsapp_broadcast_pace
SET next_slot_at = {NOW} + %(seconds)s * interval '1 second'
WHERE kind = %(kind)s AND key = %(key)s AND next_slot_at <= {NOW}
RETURNING id
"""
