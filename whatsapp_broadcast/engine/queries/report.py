"""What became of messages, to be counted by whatever a person likes."""

#: The provider said yes or no to the message: what rates are shares of.
WRITTEN_STATES = "('held', 'accepted', 'sent', 'delivered', 'read', 'failed')"
ACCEPTED_STATES = "('accepted', 'sent', 'delivered', 'read')"
DELIVERED_STATES = "('delivered', 'read')"


def _share(condition):
    """Return an expression whose average is a share in percent of those written to."""
    return f"CASE WHEN r.state IN {WRITTEN_STATES} THEN 100.0 * ({condition})::int END"


_AT = "COALESCE(r.accepted_at, r.failed_at)"
_LOCAL = f"({_AT} AT TIME ZONE 'UTC' AT TIME ZONE %(tz)s)"

#: One row a recipient of what was launched. Hours and weekdays by the clock of
#: ``tz``, an IANA name. Joins and expressions that nobody asks for cost nothing.
REPORT = f"""
SELECT r.id, r.id AS recipient_id,
    r.broadcast_id, r.company_id, r.account_id, r.number_id, r.template_id,
    b.user_id, b.campaign_id, COALESCE(b.launched_category, t.category) AS category,
    country.id AS country_id, r.state, r.skip_reason,
    CASE WHEN r.state = 'failed' THEN r.error_class END AS error_class,
    {_AT} AS date,
    to_char({_LOCAL}, 'HH24') AS hour,
    to_char({_LOCAL}, 'ID') AS weekday,
    1 AS recipient_count,
    (r.state IN {WRITTEN_STATES})::int AS written_count,
    (r.state IN {ACCEPTED_STATES})::int AS accepted_count,
    (r.state IN {DELIVERED_STATES})::int AS delivered_count,
    (r.state = 'read')::int AS read_count,
    (r.replied_at IS NOT NULL)::int AS replied_count,
    (r.clicked_at IS NOT NULL)::int AS clicked_count,
    (r.state = 'failed')::int AS failed_count,
    {_share(f"r.state IN {ACCEPTED_STATES}")} AS accepted_rate,
    {_share(f"r.state IN {DELIVERED_STATES}")} AS delivered_rate,
    {_share("r.state = 'read'")} AS read_rate,
    {_share("r.replied_at IS NOT NULL")} AS replied_rate,
    {_share("r.clicked_at IS NOT NULL")} AS clicked_rate,
    {_share("r.state = 'failed'")} AS failed_rate
FROM whatsapp_broadcast_recipient r
JOIN whatsapp_broadcast b ON b.id = r.broadcast_id AND b.started_at IS NOT NULL
LEFT JOIN whatsapp_broadcast_template t ON t.id = r.template_id
LEFT JOIN whatsapp_broadcast_prefix prefix ON prefix.prefix = left(r.phone, 5)
LEFT JOIN res_country country ON country.code = prefix.country_code
"""
