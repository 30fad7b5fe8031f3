"""The recipients' table: its tuning, and the counters that follow its rows."""

#: What goes out is a row of one of these: ``row["table"]``. Where both have rows to be
#: locked, they are locked in this order.
TABLES = ("recipient", "message")

#: Room on each page for heap-only updates by webhook, and early vacuum.
TUNE_RECIPIENT_TABLE = """
ALTER TABLE whatsapp_broadcast_recipient SET (
    fillfactor = 70,
    autovacuum_vacuum_scale_factor = 0.02,
    autovacuum_analyze_scale_factor = 0.02
)
"""

#: Before PostgreSQL looks by itself, within some minutes, it takes a large audience for
#: a handful of rows, and a claim reads and sorts all of them.
ANALYZE_RECIPIENTS = "ANALYZE whatsapp_broadcast_recipient"

#: Counts states as rows change. A deleted broadcast takes its counters along, so
#: nothing may be counted for it.
CREATE_COUNTER_TRIGGER = """
CREATE OR REPLACE FUNCTION whatsapp_broadcast_count() RETURNS trigger AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO whatsapp_broadcast_counter (broadcast_id, name, delta)
        SELECT broadcast_id, state, count(*) FROM new_rows GROUP BY 1, 2
        UNION ALL
        SELECT broadcast_id, 'country_guessed', count(*) FROM new_rows
        WHERE country_guessed AND state <> 'skipped' GROUP BY 1;
    ELSIF TG_OP = 'DELETE' THEN
        INSERT INTO whatsapp_broadcast_counter (broadcast_id, name, delta)
        SELECT broadcast_id, name, -count(*) FROM (
            SELECT broadcast_id, state AS name FROM old_rows
            UNION ALL
            SELECT broadcast_id, 'failed:' || error_class FROM old_rows
            WHERE state = 'failed' AND error_class IS NOT NULL
            UNION ALL
            SELECT broadcast_id, 'replied' FROM old_rows WHERE replied_at IS NOT NULL
            UNION ALL
            SELECT broadcast_id, 'clicked' FROM old_rows WHERE clicked_at IS NOT NULL
            UNION ALL
            SELECT broadcast_id, 'country_guessed' FROM old_rows
            WHERE country_guessed AND state <> 'skipped'
        ) AS gone
        WHERE EXISTS (SELECT FROM whatsapp_broadcast b WHERE b.id = broadcast_id)
        GROUP BY 1, 2;
    ELSE
        INSERT INTO whatsapp_broadcast_counter (broadcast_id, name, delta)
        SELECT broadcast_id, name, sum(change) FROM (
            SELECT broadcast_id, state AS name, -1 AS change FROM old_rows
            UNION ALL
            SELECT broadcast_id, state, 1 FROM new_rows
            UNION ALL
            SELECT broadcast_id, 'failed:' || error_class, -1 FROM old_rows
            WHERE state = 'failed' AND error_class IS NOT NULL
            UNION ALL
            SELECT broadcast_id, 'failed:' || error_class, 1 FROM new_rows
            WHERE state = 'failed' AND error_class IS NOT NULL
            UNION ALL
            SELECT broadcast_id, 'replied', -1 FROM old_rows
            WHERE replied_at IS NOT NULL
            UNION ALL
            SELECT broadcast_id, 'replied', 1 FROM new_rows
            WHERE replied_at IS NOT NULL
            UNION ALL
            SELECT broadcast_id, 'clicked', -1 FROM old_rows
            WHERE clicked_at IS NOT NULL
            UNION ALL
            SELECT broadcast_id, 'clicked', 1 FROM new_rows
            WHERE clicked_at IS NOT NULL
            UNION ALL
            SELECT broadcast_id, 'country_guessed', -1 FROM old_rows
            WHERE country_guessed AND state <> 'skipped'
            UNION ALL
            SELECT broadcast_id, 'country_guessed', 1 FROM new_rows
            WHERE country_guessed AND state <> 'skipped'
        ) AS changes
        GROUP BY 1, 2 HAVING sum(change) <> 0;
    END IF;
    RETURN NULL;
END
$$ LANGUAGE plpgsql;

DROP TRIGGER IF EXISTS whatsapp_broadcast_count_insert ON whatsapp_broadcast_recipient;
CREATE TRIGGER whatsapp_broadcast_count_insert
    AFTER INSERT ON whatsapp_broadcast_recipient
    REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION whatsapp_broadcast_count();

DROP TRIGGER IF EXISTS whatsapp_broadcast_count_update ON whatsapp_broadcast_recipient;
CREATE TRIGGER whatsapp_broadcast_count_update
    AFTER UPDATE ON whatsapp_broadcast_recipient
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION whatsapp_broadcast_count();

DROP TRIGGER IF EXISTS whatsapp_broadcast_count_delete ON whatsapp_broadcast_recipient;
CREATE TRIGGER whatsapp_broadcast_count_delete
    AFTER DELETE ON whatsapp_broadcast_recipient
    REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION whatsapp_broadcast_count();
"""

DROP_COUNTER_TRIGGER = "DROP FUNCTION IF EXISTS whatsapp_broadcast_count() CASCADE"

COUNTERS = """
SELECT broadcast_id, name, sum(delta) FROM whatsapp_broadcast_counter
WHERE broadcast_id = ANY(%(broadcast_ids)s) GROUP BY 1, 2
"""

#: How many failed of each class of error.
FAILURES = """
SELECT broadcast_id, substr(name, 8), sum(delta) FROM whatsapp_broadcast_counter
WHERE broadcast_id = ANY(%(broadcast_ids)s) AND name LIKE 'failed:%%'
GROUP BY 1, 2 HAVING sum(delta) > 0
"""

#: Two folders at once would count twice what both read: the row lock of DELETE and
#: its re-check see to it that each delta is taken by one of them only.
FOLD_COUNTERS = """
WITH crowded AS (
    SELECT broadcast_id FROM whatsapp_broadcast_counter
    GROUP BY 1 HAVING count(*) > 64
), taken AS (
    DELETE FROM whatsapp_broadcast_counter c USING crowded
    WHERE c.broadcast_id = crowded.broadcast_id
    RETURNING c.broadcast_id, c.name, c.delta
)
INSERT INTO whatsapp_broadcast_counter (broadcast_id, name, delta)
SELECT broadcast_id, name, sum(delta) FROM taken GROUP BY 1, 2
"""

#: Of those who got a message not long before; a lead counts once for each broadcast.
COUNT_WON = """
INSERT INTO whatsapp_broadcast_counter (broadcast_id, name, delta)
SELECT broadcast_id, 'won', %(delta)s * count(DISTINCT lead_id)
FROM whatsapp_broadcast_recipient
WHERE lead_id = ANY(%(lead_ids)s) AND accepted_at IS NOT NULL
    AND accepted_at > (now() AT TIME ZONE 'UTC') - %(days)s * interval '1 day'
GROUP BY 1
"""
