"""Limits: when their next slot begins."""

from .clock import NOW

ADD_PACE = f"""
INSERT INTO whatsapp_broadcast_pace (kind, key, next_slot_at)
VALUES (%(kind)s, %(key)s, {NOW})
ON CONFLICT (kind, key) DO NOTHING
"""

#: Seconds from now to the next slot (negative: it is past), and a lock on it.
LOCK_PACE = f"""
SELECT EXTRACT(EPOCH FROM next_slot_at - {NOW})::float
FROM whatsapp_broadcast_pace WHERE kind = %(kind)s AND key = %(key)s FOR UPDATE
"""

MOVE_PACE = f"""
UPDATE whatsapp_broadcast_pace
SET next_slot_at = GREATEST(next_slot_at, {NOW}) + %(seconds)s * interval '1 second'
WHERE kind = %(kind)s AND key = %(key)s
"""

#: True for the one caller in ``seconds`` that finds the slot past.
TAKE_PACE = f"""
UPDATE whatsapp_broadcast_pace
SET next_slot_at = {NOW} + %(seconds)s * interval '1 second'
WHERE kind = %(kind)s AND key = %(key)s AND next_slot_at <= {NOW}
RETURNING id
"""
