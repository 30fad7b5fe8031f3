"""Every statement of the engine. ``%(name)s`` are parameters; times are naive UTC.

Conventions: ``clock_timestamp()`` and never the host's clock, so that hosts with wrong
clocks agree; claims read ``FOR UPDATE SKIP LOCKED`` inside a materialised CTE, without
which the planner may lock more rows than the limit says.
"""

NOW = "(clock_timestamp() AT TIME ZONE 'UTC')"

# === TABLE === #

#: Room on each page for heap-only updates by webhook, and early vacuum.
TUNE_RECIPIENT_TABLE = """
ALTER TABLE whatsapp_broadcast_recipient SET (
    fillfactor = 70,
    autovacuum_vacuum_scale_factor = 0.02,
    autovacuum_analyze_scale_factor = 0.02
)
"""

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
            SELECT broadcast_id, 'replied' FROM old_rows WHERE replied_at IS NOT NULL
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
            SELECT broadcast_id, 'replied', -1 FROM old_rows
            WHERE replied_at IS NOT NULL
            UNION ALL
            SELECT broadcast_id, 'replied', 1 FROM new_rows
            WHERE replied_at IS NOT NULL
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

# === AUDIENCE === #
# Run through odoo.tools.SQL in the launcher's environment: %(audience)s is the
# subselect of ids that the launcher may read.

#: The upper end of the next chunk in phone order: duplicates must meet in one chunk.
CHUNK_END = "SELECT max(phone) FROM (%(phones)s) AS chunk (phone)"

SOURCE_LEADS = """
    SELECT l.id AS lead_id, l.partner_id, l.phone_sanitized AS phone, l.phone AS given,
        (NOT l.active OR l.won_status IN ('won', 'lost')) AS closed,
        l.write_date AS activity, l.id AS rank,
        (l.country_id IS NULL AND p.country_id IS NULL) AS without_country
    FROM crm_lead l LEFT JOIN res_partner p ON p.id = l.partner_id
    WHERE l.id IN %(audience)s
"""

SOURCE_PARTNERS = """
    SELECT NULL::integer AS lead_id, p.id AS partner_id, p.phone_sanitized AS phone,
        p.phone AS given, NOT p.active AS closed, p.write_date AS activity,
        p.id AS rank, p.country_id IS NULL AS without_country
    FROM res_partner p
    WHERE p.id IN %(audience)s
"""

#: Of several records with one phone the open, newest, lowest one is kept.
FREEZE = """
INSERT INTO whatsapp_broadcast_recipient (
    broadcast_id, company_id, account_id, number_id, template_id, lang,
    lead_id, partner_id, address, phone, country_guessed,
    state, skip_reason, due_at, attempt_count
)
SELECT %(broadcast_id)s, %(company_id)s, %(account_id)s, %(number_id)s,
    %(template_id)s, %(lang)s,
    lead_id, partner_id, CASE WHEN reason IS NULL THEN phone END,
    COALESCE(phone, given), guessed,
    CASE WHEN reason IS NULL THEN 'queued' ELSE 'skipped' END, reason,
    CASE WHEN reason IS NULL THEN %(due_at)s::timestamp END, 0
FROM (
    SELECT *,
        phone IS NOT NULL AND without_country AND given !~ '^\\s*(\\+|00)' AS guessed,
        CASE
            WHEN closed AND NOT %(include_closed)s THEN 'lead_closed'
            WHEN COALESCE(btrim(given), '') = '' THEN 'no_phone'
            WHEN phone IS NULL THEN 'bad_phone'
            WHEN EXISTS (
                SELECT FROM phone_blacklist b WHERE b.number = phone AND b.active
            ) THEN 'opted_out'
            WHEN %(is_marketing)s AND EXISTS (
                SELECT FROM whatsapp_broadcast_contact c
                WHERE c.account_id = %(account_id)s AND c.phone = source.phone
                    AND c.marketing_opt_out
            ) THEN 'opted_out'
            WHEN %(needs_window)s AND NOT EXISTS (
                SELECT FROM whatsapp_broadcast_contact c
                WHERE c.number_id = %(number_id)s AND c.phone = source.phone
                    AND c.last_inbound_at > %(window_start)s
            ) THEN 'outside_window'
            WHEN row_number() OVER (
                PARTITION BY phone ORDER BY closed, activity DESC NULLS LAST, rank
            ) > 1 THEN 'duplicate'
        END AS reason
    FROM (%(source)s) AS source
) AS audience
ON CONFLICT (broadcast_id, address) DO NOTHING
RETURNING id, lead_id, partner_id, state
"""

#: Records that the launcher may not read are counted, not named.
FREEZE_WITHOUT_ACCESS = """
INSERT INTO whatsapp_broadcast_recipient (
    broadcast_id, company_id, account_id, number_id, state, skip_reason, attempt_count
)
SELECT %(broadcast_id)s, %(company_id)s, %(account_id)s, %(number_id)s, 'skipped',
    'no_access', 0
FROM generate_series(1, %(count)s)
"""

CLEAR_RECIPIENTS = """
DELETE FROM whatsapp_broadcast_recipient WHERE broadcast_id = ANY(%(broadcast_ids)s)
"""

#: Names, as in ``template_params``, of variables that have no value for somebody.
MISSING_VARIABLES = """
SELECT DISTINCT component.key || '.' || (pair.value ->> 0)
FROM whatsapp_broadcast_recipient r
CROSS JOIN jsonb_each(r.variables) AS component
CROSS JOIN jsonb_array_elements(component.value) AS pair
WHERE r.broadcast_id = %(broadcast_id)s AND r.skip_reason = 'variable_missing'
    AND pair.value ->> -1 = ''
ORDER BY 1
"""

SET_VARIABLES = """
UPDATE whatsapp_broadcast_recipient r SET
    variables = v.variables::jsonb,
    state = CASE WHEN v.missing THEN 'skipped' ELSE r.state END,
    skip_reason = CASE WHEN v.missing THEN 'variable_missing' END,
    address = CASE WHEN v.missing THEN NULL ELSE r.address END,
    due_at = CASE WHEN v.missing THEN NULL ELSE r.due_at END
FROM unnest(%(ids)s::int[], %(variables)s::text[], %(missing)s::bool[])
    AS v (id, variables, missing)
WHERE r.id = v.id
"""

# === LANES === #

#: One lane a number; a free or dead one is taken, a living one is left alone.
ADD_LANES = """
INSERT INTO whatsapp_broadcast_lane (number_id)
SELECT DISTINCT b.number_id FROM whatsapp_broadcast b
WHERE b.state = 'sending'
    AND NOT EXISTS (
        SELECT FROM whatsapp_broadcast_lane l WHERE l.number_id = b.number_id
    )
ON CONFLICT (number_id) DO NOTHING
"""

LEASE_LANES = f"""
WITH free AS MATERIALIZED (
    SELECT l.id FROM whatsapp_broadcast_lane l
    WHERE (l.lease_until IS NULL OR l.lease_until < {NOW})
        AND EXISTS (
            SELECT FROM whatsapp_broadcast b
            WHERE b.number_id = l.number_id AND b.state = 'sending'
        )
    ORDER BY l.leased_at NULLS FIRST, l.id
    LIMIT %(limit)s FOR UPDATE SKIP LOCKED
)
UPDATE whatsapp_broadcast_lane l SET
    owner = %(owner)s,
    leased_at = {NOW},
    lease_until = {NOW} + %(seconds)s * interval '1 second'
FROM free WHERE l.id = free.id
RETURNING l.id, l.number_id
"""

RENEW_LANE = f"""
UPDATE whatsapp_broadcast_lane SET
    lease_until = {NOW} + %(seconds)s * interval '1 second'
WHERE id = %(lane_id)s AND owner = %(owner)s
RETURNING id
"""

FREE_LANES = """
UPDATE whatsapp_broadcast_lane SET owner = NULL, lease_until = NULL
WHERE owner = %(owner)s
"""

#: What keeps a broadcast from sending, in the words of ``state_reason``.
PAUSE_UNSENDABLE = f"""
UPDATE whatsapp_broadcast b SET
    state = 'paused', state_reason = v.reason, state_detail = v.detail,
    write_date = {NOW}
FROM (
    SELECT b.id, CASE
            WHEN NOT a.active OR a.state IN ('draft', 'error') THEN 'account'
            WHEN NOT n.active OR n.state <> 'connected' THEN 'number'
            WHEN t.state <> 'approved' THEN 'template'
            WHEN t.category <> b.launched_category THEN 'category'
        END AS reason,
        CASE
            WHEN NOT a.active OR a.state IN ('draft', 'error') THEN a.error_message
            WHEN NOT n.active OR n.state <> 'connected'
                THEN COALESCE(n.error_message, n.state)
            WHEN t.state <> 'approved' THEN t.state
            ELSE t.category
        END AS detail
    FROM whatsapp_broadcast b
    JOIN whatsapp_broadcast_number n ON n.id = b.number_id
    JOIN whatsapp_broadcast_account a ON a.id = n.account_id
    LEFT JOIN whatsapp_broadcast_template t ON t.id = b.template_id
    WHERE b.state = 'sending' AND b.number_id = ANY(%(number_ids)s)
) AS v
WHERE b.id = v.id AND v.reason IS NOT NULL
RETURNING b.id
"""

#: FOR SHARE: a pause that was committed is seen, one that comes now waits its turn.
SENDING_BROADCASTS = """
SELECT b.id, b.messages_per_minute, b.batch_size, n.messages_per_second
FROM whatsapp_broadcast b JOIN whatsapp_broadcast_number n ON n.id = b.number_id
WHERE b.number_id = %(number_id)s AND b.state = 'sending'
ORDER BY b.id
FOR SHARE OF b
"""

#: What each message of a broadcast shares; it does not change after launch.
CONTENTS = """
SELECT b.id, b.message_type, b.body, b.media_kind, b.media_id, b.media_link,
    b.media_caption, b.media_filename, t.name AS template, t.language, t.header_type
FROM whatsapp_broadcast b
LEFT JOIN whatsapp_broadcast_template t ON t.id = b.template_id
WHERE b.id = ANY(%(ids)s)
"""

# === LIMITER === #

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

# === CLAIM === #

#: Takes due rows of one broadcast; those that no longer qualify are left out instead.
#: The token names the row, so that no index on it is needed.
CLAIM = f"""
WITH due AS MATERIALIZED (
    SELECT id FROM whatsapp_broadcast_recipient
    WHERE broadcast_id = %(broadcast_id)s AND due_at <= {NOW}
    ORDER BY due_at, id LIMIT %(limit)s FOR UPDATE SKIP LOCKED
), checked AS MATERIALIZED (
    SELECT r.id, CASE
        WHEN EXISTS (
            SELECT FROM phone_blacklist p WHERE p.number = r.phone AND p.active
        ) THEN 'opted_out'
        WHEN t.category = 'marketing' AND EXISTS (
            SELECT FROM whatsapp_broadcast_contact c
            WHERE c.account_id = r.account_id AND c.phone = r.phone
                AND c.marketing_opt_out
        ) THEN 'opted_out'
        WHEN b.message_type <> 'template' AND NOT EXISTS (
            SELECT FROM whatsapp_broadcast_contact c
            WHERE c.number_id = r.number_id AND c.phone = r.phone
                AND c.last_inbound_at > {NOW} - interval '23 hours 58 minutes'
        ) THEN 'outside_window'
    END AS reason
    FROM due JOIN whatsapp_broadcast_recipient r ON r.id = due.id
    JOIN whatsapp_broadcast b ON b.id = r.broadcast_id
    LEFT JOIN whatsapp_broadcast_template t ON t.id = b.template_id
)
UPDATE whatsapp_broadcast_recipient r SET
    state = CASE WHEN reason IS NULL THEN 'sending' ELSE 'skipped' END,
    skip_reason = reason,
    due_at = NULL,
    lease_until = CASE
        WHEN reason IS NULL THEN {NOW} + %(lease)s * interval '1 second'
    END,
    token = CASE
        WHEN reason IS NULL THEN 'r' || r.id || '-' || md5(gen_random_uuid()::text)
    END,
    attempt_count = attempt_count + CASE WHEN reason IS NULL THEN 1 ELSE 0 END
FROM checked WHERE r.id = checked.id
RETURNING r.id, r.broadcast_id, r.number_id, r.token, r.phone, r.user_ref,
    r.variables, r.attempt_count, r.state
"""

#: Rows whose sender died after the claim: nobody knows whether they went out.
EXPIRE_LEASES = f"""
WITH expired AS MATERIALIZED (
    SELECT id FROM whatsapp_broadcast_recipient
    WHERE lease_until < {NOW} AND state = 'sending'
    LIMIT 5000 FOR UPDATE SKIP LOCKED
)
UPDATE whatsapp_broadcast_recipient r SET
    state = 'unknown', lease_until = NULL,
    error_message = 'The sender stopped before the answer came'
FROM expired WHERE r.id = expired.id
RETURNING r.broadcast_id
"""

# === RESULTS === #

#: Guarded by the token: a late answer cannot touch a newer try, and a status that
#: came by webhook before our own commit is not lowered.
WRITE_RESULTS = f"""
WITH locked AS MATERIALIZED (
    -- in the order in which the merge locks them
    SELECT id FROM whatsapp_broadcast_recipient
    WHERE id = ANY(%(ids)s) ORDER BY id FOR UPDATE
)
UPDATE whatsapp_broadcast_recipient r SET
    state = CASE WHEN r.state IN ('sending', 'unknown') THEN v.state ELSE r.state END,
    due_at = CASE
        WHEN r.state IN ('sending', 'unknown') AND v.delay IS NOT NULL
        THEN {NOW} + v.delay * interval '1 second'
    END,
    lease_until = NULL,
    provider_message_id = COALESCE(NULLIF(v.message_id, ''), r.provider_message_id),
    user_ref = COALESCE(r.user_ref, NULLIF(v.user_ref, '')),
    accepted_at = CASE
        WHEN v.state IN ('accepted', 'held') THEN COALESCE(r.accepted_at, {NOW})
        ELSE r.accepted_at
    END,
    failed_at = CASE
        WHEN v.state = 'failed' AND r.state IN ('sending', 'unknown') THEN {NOW}
        ELSE r.failed_at
    END,
    error_code = NULLIF(v.error_code, ''),
    error_class = NULLIF(v.error_class, ''),
    error_message = NULLIF(v.error_message, ''),
    attempt_count = r.attempt_count - v.uncounted
FROM unnest(
    %(ids)s::int[], %(tokens)s::text[], %(states)s::text[], %(delays)s::float[],
    %(message_ids)s::text[], %(user_refs)s::text[], %(error_codes)s::text[],
    %(error_classes)s::text[], %(error_messages)s::text[], %(uncounted)s::int[]
) AS v (id, token, state, delay, message_id, user_ref, error_code, error_class,
    error_message, uncounted)
JOIN locked ON locked.id = v.id
WHERE r.id = v.id AND r.token = v.token AND r.state <> 'failed'
RETURNING r.id
"""

OPT_OUT = f"""
INSERT INTO whatsapp_broadcast_contact
    (account_id, number_id, phone, marketing_opt_out, marketing_opt_out_at,
     create_date, write_date)
SELECT DISTINCT r.account_id, r.number_id, r.phone, TRUE, {NOW}, {NOW}, {NOW}
FROM whatsapp_broadcast_recipient r WHERE r.id = ANY(%(ids)s) AND r.phone <> ''
ON CONFLICT (number_id, phone) WHERE phone IS NOT NULL DO UPDATE SET
    marketing_opt_out = TRUE, marketing_opt_out_at = {NOW}
"""

PAUSE_BY_TEMPLATE = f"""
UPDATE whatsapp_broadcast b SET
    state = 'paused', state_reason = 'template', state_detail = %(detail)s,
    write_date = {NOW}
FROM whatsapp_broadcast failed
WHERE failed.id = %(broadcast_id)s AND b.template_id = failed.template_id
    AND b.state = 'sending'
RETURNING b.id
"""

STOP_NUMBER = f"""
WITH stopped AS (
    UPDATE whatsapp_broadcast_number
    SET state = 'error', error_message = %(detail)s, write_date = {NOW}
    WHERE id = %(number_id)s
)
UPDATE whatsapp_broadcast SET
    state = 'paused', state_reason = 'number', state_detail = %(detail)s,
    write_date = {NOW}
WHERE state = 'sending' AND number_id = %(number_id)s
RETURNING id
"""

STOP_ACCOUNT = f"""
WITH account AS (
    SELECT account_id FROM whatsapp_broadcast_number WHERE id = %(number_id)s
), stopped AS (
    UPDATE whatsapp_broadcast_account a
    SET state = 'error', error_message = %(detail)s, write_date = {NOW}
    FROM account WHERE a.id = account.account_id
)
UPDATE whatsapp_broadcast b SET
    state = 'paused', state_reason = %(reason)s, state_detail = %(detail)s,
    write_date = {NOW}
FROM account
WHERE b.state = 'sending' AND b.account_id = account.account_id
RETURNING b.id
"""

# === COURSE OF A BROADCAST === #

CANCEL_REMAINING = """
WITH remaining AS MATERIALIZED (
    SELECT r.id FROM whatsapp_broadcast b
    JOIN whatsapp_broadcast_recipient r ON r.broadcast_id = b.id
    WHERE b.state IN ('cancelled', 'failed') AND r.due_at IS NOT NULL
    LIMIT %(limit)s FOR UPDATE OF r SKIP LOCKED
)
UPDATE whatsapp_broadcast_recipient r SET state = 'cancelled', due_at = NULL
FROM remaining WHERE r.id = remaining.id
RETURNING r.broadcast_id
"""

CANCEL_REVIEWED = """
UPDATE whatsapp_broadcast_recipient r SET state = 'cancelled'
FROM whatsapp_broadcast b
WHERE b.id = ANY(%(ids)s) AND b.audience_cursor IS NULL AND r.broadcast_id = b.id
    AND r.state = 'queued' AND r.due_at IS NULL
"""

#: A row may be queued again by an answer that came after the end.
REOPEN = """
UPDATE whatsapp_broadcast SET state = 'sending', completed_at = NULL
WHERE state = 'done' AND id IN (
    SELECT broadcast_id FROM whatsapp_broadcast_recipient WHERE due_at IS NOT NULL
)
"""

LOCK_BROADCAST = """
SELECT id FROM whatsapp_broadcast WHERE id = %(id)s FOR NO KEY UPDATE
"""

LOCK_SENDING = """
SELECT id FROM whatsapp_broadcast WHERE state = 'sending'
ORDER BY id FOR NO KEY UPDATE SKIP LOCKED
"""

#: Done: nothing queued, nothing in flight. Held and unknown rows may remain.
FINISH = f"""
UPDATE whatsapp_broadcast b SET
    state = 'done', completed_at = {NOW}, write_date = {NOW}
WHERE b.state = 'sending' AND b.id = ANY(%(ids)s)
    AND NOT EXISTS (
        SELECT FROM whatsapp_broadcast_recipient r
        WHERE r.broadcast_id = b.id AND r.due_at IS NOT NULL
    )
    AND NOT EXISTS (
        SELECT FROM whatsapp_broadcast_recipient r
        WHERE r.lease_until IS NOT NULL AND r.broadcast_id = b.id
    )
RETURNING b.id
"""

#: Seconds until the next row may be claimed; NULL if there is none.
NEXT_DUE = f"""
SELECT EXTRACT(EPOCH FROM min(due.at) - {NOW})::float
FROM whatsapp_broadcast b
CROSS JOIN LATERAL (
    SELECT r.due_at AS at FROM whatsapp_broadcast_recipient r
    WHERE r.broadcast_id = b.id AND r.due_at IS NOT NULL
    ORDER BY r.due_at LIMIT 1
) AS due
WHERE b.state = 'sending'
"""

LANE_HAS_WORK = f"""
SELECT EXISTS (
    SELECT FROM whatsapp_broadcast b
    CROSS JOIN LATERAL (
        SELECT FROM whatsapp_broadcast_recipient r
        WHERE r.broadcast_id = b.id
            AND r.due_at < {NOW} + %(seconds)s * interval '1 second'
        LIMIT 1
    ) AS soon
    WHERE b.state = 'sending' AND b.number_id = %(number_id)s
)
"""

TREAT_AS_SENT = f"""
UPDATE whatsapp_broadcast_recipient
SET state = 'accepted', accepted_at = COALESCE(accepted_at, {NOW})
WHERE id = ANY(%(ids)s) AND state = 'unknown'
"""

REQUEUE = f"""
UPDATE whatsapp_broadcast_recipient SET
    state = 'queued', lease_until = NULL, token = NULL,
    due_at = CASE
        WHEN error_class = 'later'
        THEN GREATEST({NOW}, failed_at + interval '24 hours') ELSE {NOW}
    END,
    provider_message_id = NULL, error_code = NULL, error_class = NULL,
    error_message = NULL, attempt_count = 0, accepted_at = NULL, sent_at = NULL,
    failed_at = NULL
WHERE id = ANY(%(ids)s) AND state IN ('unknown', 'failed')
"""

# === PROGRESS === #

LAST_CHANGE = "SELECT COALESCE(max(id), 0) FROM whatsapp_broadcast_counter"

CHANGED_BROADCASTS = """
SELECT DISTINCT broadcast_id, max(id) OVER () FROM whatsapp_broadcast_counter
WHERE id > %(last_id)s
"""

# === EVENTS === #

ADD_EVENT = f"""
INSERT INTO whatsapp_broadcast_event
    (account_id, received_at, payload, state, attempt_count)
SELECT id, {NOW}, %(payload)s, 'new', 0
FROM whatsapp_broadcast_account WHERE id = %(account_id)s
"""

TAKE_EVENTS = f"""
SELECT id, account_id, payload, attempt_count FROM whatsapp_broadcast_event
WHERE processed_at IS NULL AND (retry_at IS NULL OR retry_at <= {NOW})
ORDER BY id LIMIT %(limit)s FOR UPDATE SKIP LOCKED
"""

FINISH_EVENTS = f"""
UPDATE whatsapp_broadcast_event e SET
    processed_at = {NOW}, state = v.state, event_type = v.event_type,
    error_message = NULLIF(v.error_message, '')
FROM unnest(
    %(ids)s::int[], %(states)s::text[], %(event_types)s::text[],
    %(error_messages)s::text[]
) AS v (id, state, event_type, error_message)
WHERE e.id = v.id
"""

RETRY_EVENTS = f"""
UPDATE whatsapp_broadcast_event SET
    attempt_count = attempt_count + 1,
    error_message = %(error_message)s,
    retry_at = {NOW} + power(4, attempt_count + 1) * interval '1 second'
WHERE id = ANY(%(ids)s)
"""

PURGE_EVENTS = """
DELETE FROM whatsapp_broadcast_event WHERE id IN (
    SELECT id FROM whatsapp_broadcast_event
    WHERE processed_at < %(before)s ORDER BY id LIMIT %(limit)s
)
"""

#: All accounts that may speak through a door are those of its app, which both prove
#: by its secret: the app's id is no secret, and anybody may type it.
ROUTES = """
SELECT door.id, owner.id, owner.business_account_id, n.id, n.external_id
FROM whatsapp_broadcast_account door
JOIN whatsapp_broadcast_account owner ON owner.id = door.id
    OR (owner.provider = door.provider AND owner.app_id = door.app_id
        AND owner.app_secret_fingerprint = door.app_secret_fingerprint)
LEFT JOIN whatsapp_broadcast_number n ON n.account_id = owner.id
WHERE door.id = ANY(%(account_ids)s)
"""

HEARD = f"""
UPDATE whatsapp_broadcast_account SET
    last_webhook_at = {NOW},
    state = CASE WHEN state = 'deaf' THEN 'connected' ELSE state END
WHERE id = ANY(%(account_ids)s) AND (
    state = 'deaf' OR last_webhook_at IS NULL
    OR last_webhook_at < {NOW} - interval '1 minute'
)
"""

# === MERGE === #

#: Statuses only go up. A token finds its row by the id that it starts with; a status
#: without a token is found by message id. What was left out or cancelled stays so.
MERGE_STATUSES = """
WITH status AS (
    SELECT * FROM unnest(
        %(positions)s::int[], %(account_ids)s::int[], %(row_ids)s::int[],
        %(tokens)s::text[], %(message_ids)s::text[], %(statuses)s::text[],
        %(times)s::timestamp[], %(error_codes)s::text[], %(error_classes)s::text[],
        %(error_messages)s::text[], %(categories)s::text[], %(billables)s::bool[],
        %(user_refs)s::text[]
    ) AS s (position, account_id, row_id, token, message_id, status, at, error_code,
        error_class, error_message, category, billable, user_ref)
), matched AS MATERIALIZED (
    SELECT r.id, s.* FROM status s
    JOIN whatsapp_broadcast_recipient r
        ON r.id = s.row_id AND r.token = s.token AND r.account_id = s.account_id
    UNION ALL
    SELECT r.id, s.* FROM status s
    JOIN whatsapp_broadcast_recipient r
        ON r.provider_message_id = s.message_id AND r.account_id = s.account_id
    WHERE s.row_id IS NULL
), locked AS MATERIALIZED (
    SELECT id, state FROM whatsapp_broadcast_recipient
    WHERE id IN (SELECT id FROM matched) ORDER BY id FOR UPDATE
), merged AS (
    SELECT m.id,
        max(array_position(%(order)s, m.status)) AS rank,
        min(at) FILTER (WHERE status IN ('accepted', 'held')) AS accepted_at,
        min(at) FILTER (WHERE status = 'sent') AS sent_at,
        min(at) FILTER (WHERE status = 'delivered') AS delivered_at,
        min(at) FILTER (WHERE status = 'read') AS read_at,
        min(at) FILTER (WHERE status = 'failed') AS failed_at,
        max(message_id) AS message_id,
        max(error_code) AS error_code,
        max(error_class) AS error_class,
        max(error_message) AS error_message,
        max(category) AS category,
        bool_or(billable) AS billable,
        max(user_ref) AS user_ref
    FROM matched m GROUP BY m.id
), updated AS (
    UPDATE whatsapp_broadcast_recipient r SET
        state = CASE
            WHEN m.rank > COALESCE(array_position(%(order)s, l.state::text), 0)
            THEN (%(order)s)[m.rank] ELSE l.state
        END,
        due_at = NULL,
        lease_until = NULL,
        provider_message_id = COALESCE(r.provider_message_id, m.message_id),
        user_ref = COALESCE(r.user_ref, m.user_ref),
        accepted_at = LEAST(r.accepted_at, m.accepted_at, m.sent_at),
        sent_at = LEAST(r.sent_at, m.sent_at),
        delivered_at = LEAST(r.delivered_at, m.delivered_at),
        read_at = LEAST(r.read_at, m.read_at),
        failed_at = LEAST(r.failed_at, m.failed_at),
        error_code = COALESCE(m.error_code, r.error_code),
        error_class = COALESCE(m.error_class, r.error_class),
        error_message = COALESCE(m.error_message, r.error_message),
        price_category = COALESCE(m.category, r.price_category),
        billable = COALESCE(m.billable, r.billable)
    FROM merged m JOIN locked l ON l.id = m.id
    WHERE r.id = m.id AND l.state NOT IN ('skipped', 'cancelled')
)
SELECT m.position, m.id, m.status = 'failed' AND l.state NOT IN
    ('failed', 'delivered', 'read', 'skipped', 'cancelled') AS newly_failed
FROM matched m JOIN locked l ON l.id = m.id
"""

ROWS = """
SELECT id, broadcast_id, number_id FROM whatsapp_broadcast_recipient
WHERE id = ANY(%(ids)s)
"""

#: A status of an earlier try never changes the row; if it proves that the try was
#: accepted, the person got two messages, and that is shown.
MERGE_ATTEMPTS = """
WITH status AS (
    SELECT * FROM unnest(
        %(positions)s::int[], %(account_ids)s::int[], %(tokens)s::text[],
        %(message_ids)s::text[], %(statuses)s::text[]
    ) AS s (position, account_id, token, message_id, status)
), found AS (
    SELECT a.id, a.recipient_id, s.* FROM status s
    JOIN whatsapp_broadcast_attempt a ON a.token = s.token
    UNION
    SELECT a.id, a.recipient_id, s.* FROM status s
    JOIN whatsapp_broadcast_attempt a ON a.provider_message_id = s.message_id
), matched AS (
    SELECT f.id, f.position, f.status FROM found f
    JOIN whatsapp_broadcast_recipient r
        ON r.id = f.recipient_id AND r.account_id = f.account_id
), proven AS (
    UPDATE whatsapp_broadcast_attempt a SET result = 'accepted'
    FROM matched m
    WHERE a.id = m.id AND m.status IN ('sent', 'delivered', 'read')
        AND a.result <> 'treated_as_sent'
)
SELECT position FROM matched
"""

#: The phones of people whom webhooks name by user id only, where a send told us.
PHONES = """
SELECT DISTINCT ON (r.account_id, r.user_ref) r.account_id, r.user_ref, r.phone
FROM whatsapp_broadcast_recipient r
JOIN unnest(%(account_ids)s::int[], %(user_refs)s::text[]) AS v (account_id, user_ref)
    ON r.account_id = v.account_id AND r.user_ref = v.user_ref
WHERE r.phone IS NOT NULL
ORDER BY r.account_id, r.user_ref, r.id DESC
"""

#: The newest message from each person opens or extends the window of that number.
MERGE_INBOUND = f"""
INSERT INTO whatsapp_broadcast_contact AS c
    (account_id, number_id, phone, user_ref, name, last_inbound_at,
     create_date, write_date)
SELECT account_id, number_id, phone, max(user_ref), max(name), max(at), {NOW}, {NOW}
FROM unnest(
    %(account_ids)s::int[], %(number_ids)s::int[], %(phones)s::text[],
    %(user_refs)s::text[], %(names)s::text[], %(times)s::timestamp[]
) AS v (account_id, number_id, phone, user_ref, name, at)
WHERE phone IS NOT NULL GROUP BY 1, 2, 3
ORDER BY 2, 3  -- two merges at once lock the rows in the same order
ON CONFLICT (number_id, phone) WHERE phone IS NOT NULL DO UPDATE SET
    user_ref = COALESCE(EXCLUDED.user_ref, c.user_ref),
    name = COALESCE(EXCLUDED.name, c.name),
    last_inbound_at = GREATEST(EXCLUDED.last_inbound_at, c.last_inbound_at),
    write_date = {NOW}
"""

MERGE_INBOUND_WITHOUT_PHONE = f"""
WITH said AS (
    SELECT account_id, number_id, user_ref, max(name) AS name, max(at) AS at
    FROM unnest(
        %(account_ids)s::int[], %(number_ids)s::int[], %(phones)s::text[],
        %(user_refs)s::text[], %(names)s::text[], %(times)s::timestamp[]
    ) AS v (account_id, number_id, phone, user_ref, name, at)
    WHERE phone IS NULL AND user_ref IS NOT NULL GROUP BY 1, 2, 3
), known AS (
    UPDATE whatsapp_broadcast_contact c SET
        last_inbound_at = GREATEST(s.at, c.last_inbound_at), write_date = {NOW}
    FROM said s
    WHERE c.number_id = s.number_id AND c.user_ref = s.user_ref
    RETURNING c.number_id, c.user_ref
)
INSERT INTO whatsapp_broadcast_contact
    (account_id, number_id, user_ref, name, last_inbound_at, create_date, write_date)
SELECT account_id, number_id, user_ref, name, at, {NOW}, {NOW} FROM said s
WHERE NOT EXISTS (
    SELECT FROM known k WHERE k.number_id = s.number_id AND k.user_ref = s.user_ref
)
ON CONFLICT (number_id, user_ref) WHERE user_ref IS NOT NULL AND phone IS NULL
DO UPDATE SET last_inbound_at = EXCLUDED.last_inbound_at
"""

MERGE_REPLIES = """
UPDATE whatsapp_broadcast_recipient r SET replied_at = LEAST(r.replied_at, v.at)
FROM (
    SELECT account_id, context_id, min(at) AS at
    FROM unnest(
        %(account_ids)s::int[], %(context_ids)s::text[], %(times)s::timestamp[]
    ) AS replies (account_id, context_id, at)
    GROUP BY 1, 2
) AS v
WHERE r.provider_message_id = v.context_id AND r.account_id = v.account_id
"""

MERGE_PREFERENCE = f"""
WITH known AS (
    UPDATE whatsapp_broadcast_contact SET
        -- an older word never undoes a newer one; stop wins a tie
        marketing_opt_out = CASE
            WHEN marketing_opt_out_at > %(at)s::timestamp
                OR (marketing_opt_out_at = %(at)s::timestamp AND marketing_opt_out)
            THEN marketing_opt_out ELSE %(opted_out)s
        END,
        marketing_opt_out_at
            = GREATEST(marketing_opt_out_at, COALESCE(%(at)s::timestamp, {NOW}))
    WHERE number_id = %(number_id)s
        AND (phone = %(phone)s OR (%(phone)s = '' AND user_ref = %(user_ref)s))
    RETURNING id
)
INSERT INTO whatsapp_broadcast_contact (account_id, number_id, phone, user_ref,
    marketing_opt_out, marketing_opt_out_at, create_date, write_date)
SELECT %(account_id)s, %(number_id)s, NULLIF(%(phone)s, ''), NULLIF(%(user_ref)s, ''),
    %(opted_out)s, COALESCE(%(at)s::timestamp, {NOW}), {NOW}, {NOW}
WHERE NOT EXISTS (SELECT FROM known)
"""

MERGE_TEMPLATE = f"""
UPDATE whatsapp_broadcast_template SET
    state = COALESCE(NULLIF(%(state)s, ''), state),
    category = COALESCE(NULLIF(%(category)s, ''), category),
    quality = COALESCE(NULLIF(%(quality)s, ''), quality),
    rejected_reason = COALESCE(NULLIF(%(reason)s, ''), rejected_reason),
    write_date = {NOW}
WHERE account_id = %(account_id)s AND (
    external_id = %(external_id)s
    OR (%(external_id)s = '' AND name = %(name)s AND language = %(language)s)
)
"""

MERGE_NUMBER = f"""
UPDATE whatsapp_broadcast_number SET
    messages_per_second = COALESCE(NULLIF(%(rate)s, 0), messages_per_second),
    daily_limit = COALESCE(%(daily_limit)s, daily_limit),
    write_date = {NOW}
WHERE account_id = %(account_id)s AND (
    external_id = %(external_id)s OR (%(external_id)s = '' AND phone = %(phone)s)
    OR (%(external_id)s = '' AND %(phone)s = '')
)
"""

STOP_ACCOUNT_BY_ID = f"""
WITH stopped AS (
    UPDATE whatsapp_broadcast_account
    SET state = 'error', error_message = %(detail)s, write_date = {NOW}
    WHERE id = %(account_id)s
)
UPDATE whatsapp_broadcast SET
    state = 'paused', state_reason = 'account', state_detail = %(detail)s,
    write_date = {NOW}
WHERE state = 'sending' AND account_id = %(account_id)s
RETURNING id
"""

# === COPIES === #

#: What tells one running database from its copy, and when it was last seen alive.
ORIGIN = f"""
SELECT (SELECT value FROM ir_config_parameter WHERE key = 'database.uuid')
        || ':' || (SELECT system_identifier FROM pg_control_system())
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

BEAT = f"""
INSERT INTO whatsapp_broadcast_pace (kind, key, next_slot_at)
VALUES ('heartbeat', 0, {NOW})
ON CONFLICT (kind, key) DO UPDATE SET next_slot_at = {NOW}
"""

PAUSE_EVERYTHING = f"""
UPDATE whatsapp_broadcast SET
    state = 'paused', state_reason = 'restored', write_date = {NOW}
WHERE state IN ('scheduled', 'preparing', 'sending')
RETURNING id
"""
