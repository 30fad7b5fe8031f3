"""What a company sent to a person of late, by any of its broadcasts."""

from .clock import NOW

#: States in which a message was, or may have been, sent.
WENT_OUT = "('sending', 'accepted', 'held', 'sent', 'delivered', 'read', 'unknown')"
#: Meta's word for a person who gets no more marketing for now, from anybody.
#: https://developers.facebook.com/docs/whatsapp/cloud-api/support/error-codes
MARKETING_LIMIT = "131049"


def last_message(row, broadcast):
    """Return a lateral query: when a row went out, and whether the person is limited.

    ``at`` is NULL if it surely did not; ``is_limited``: the provider gave that person
    no marketing within the last day. Of what is in doubt the broadcast's start counts.

    :param str row: alias of the recipient
    :param str broadcast: alias of its broadcast
    """
    return f"""(
        SELECT CASE WHEN {row}.state IN {WENT_OUT} THEN COALESCE(
                {row}.accepted_at, {row}.lease_until, {broadcast}.started_at
            ) END AS at,
            COALESCE({row}.error_code = '{MARKETING_LIMIT}'
                AND {row}.failed_at > {NOW} - interval '1 day', FALSE) AS is_limited
    )"""


def marketing_count(row):
    """Return a lateral query: how many marketing messages a row's person got of late.

    As the company of ``row`` counts them (``whatsapp_cap_days``), over all broadcasts
    but that of ``row``.

    :param str row: alias of the recipient, beside ``known`` (see ``people.names``),
        ``company`` and ``now``
    """
    return f"""(
        SELECT count(*) AS marketing_count
        FROM whatsapp_broadcast_recipient o
        JOIN whatsapp_broadcast ob ON ob.id = o.broadcast_id
        CROSS JOIN LATERAL {last_message("o", "ob")} AS last
        WHERE o.company_id = {row}.company_id AND o.address = ANY(known.names)
            AND o.token IS NOT NULL AND o.broadcast_id <> {row}.broadcast_id
            AND ob.launched_category = 'marketing'
            AND last.at > now - company.whatsapp_cap_days * interval '1 day'
    )"""
