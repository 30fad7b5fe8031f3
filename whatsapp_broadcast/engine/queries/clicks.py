"""People press the links of their messages."""

from .clock import NOW

#: One click for each person and link, whatever they press: a link that is opened a
#: thousand times costs a look-up. The tracker's own count is not touched: all who press
#: at once would wait for its one row.
CLICK = f"""
WITH clicked AS MATERIALIZED (
    SELECT r.id, l.id AS link_id, l.campaign_id
    FROM whatsapp_broadcast_recipient r
    JOIN link_tracker l ON l.whatsapp_broadcast_id = r.broadcast_id
    WHERE r.id = %(recipient_id)s AND l.id = %(link_id)s AND (
        starts_with(r.token, %(key)s) OR EXISTS (
            SELECT FROM whatsapp_broadcast_attempt a
            WHERE a.recipient_id = r.id AND starts_with(a.token, %(key)s)
        )
    )
), marked AS (
    UPDATE whatsapp_broadcast_recipient r SET clicked_at = {NOW}
    FROM clicked WHERE r.id = clicked.id AND r.clicked_at IS NULL
)
INSERT INTO link_tracker_click (
    link_id, campaign_id, country_id, whatsapp_recipient, create_date, write_date
)
SELECT link_id, campaign_id, (
    SELECT id FROM res_country WHERE code = %(country_code)s
), id, {NOW}, {NOW}
FROM clicked
ON CONFLICT DO NOTHING
"""

#: How many people pressed each link.
COUNT_CLICKS = """
UPDATE link_tracker l SET count = clicks.count
FROM (
    SELECT link_id, count(*) FROM link_tracker_click
    WHERE link_id = ANY(%(ids)s) AND whatsapp_recipient IS NOT NULL GROUP BY 1
) AS clicks
WHERE l.id = clicks.link_id AND l.count IS DISTINCT FROM clicks.count
"""
