"""Statuses written by one plain statement a batch: nothing parsed, nothing compared."""

from __future__ import annotations

import time
from contextlib import closing

from tools import postgres
from tools.stage import Stage

from ..deliveries import Recipient

UPDATE = """
UPDATE whatsapp_broadcast_recipient r
SET state = 'delivered', delivered_at = clock_timestamp() AT TIME ZONE 'UTC'
FROM unnest(%s::text[]) AS v (message_id)
WHERE r.provider_message_id = v.message_id
"""


def rate(stage: Stage, recipients: list[Recipient], batch: int) -> float:
    """Return rows a second, ``batch`` of them in each transaction."""
    ids = [recipient.message_id for recipient in recipients]
    with closing(postgres.connect(stage.database)) as connection:
        start = time.monotonic()
        for first in range(0, len(ids), batch):
            with connection, connection.cursor() as cursor:
                cursor.execute(UPDATE, [ids[first : first + batch]])
        return len(ids) / (time.monotonic() - start)
