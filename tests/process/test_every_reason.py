"""A broadcast to leads that hold every reason to leave somebody out: nobody is missing.

Leads are made by SQL; messages of earlier broadcasts are sent, and then aged.
``EVERY_REASON_LEADS`` says how many leads: 3,000, or 100,000 when it is to be shown.
"""

import os
from collections import Counter
from math import sqrt

import pytest
from accounting import assert_nobody_lost_nobody_twice

from benchmarks import leads
from tools.processes import wait_until
from tools.stage import NUMBER_ID

COUNT = int(os.environ.get("EVERY_REASON_LEADS", 3000))
#: A broadcast's time at most.
SECONDS = 120 + COUNT / 40
#: Figures are counted on so many records at most: one in STEP is looked at.
SAMPLE = 50_000
STEP = -(-COUNT // SAMPLE)

#: What the e.n-th lead is like that is left out for a reason. The lead before that of
#: the first is left out for none.
LEADS = {
    "duplicate": "phone = e.before, phone_sanitized = e.before",
    "no_phone": "phone = '', phone_sanitized = NULL",
    "bad_phone": "phone = '12', phone_sanitized = NULL",
    "lead_closed": "active = FALSE",
    "no_access": "user_id = 2",
    "variable_missing": "city = ''",
    "too_long": "city = repeat('x', 1100)",
    "country": "phone = e.american, phone_sanitized = e.american",
    "country_guessed": "phone = '0' || substr(phone, 4), country_id = NULL",
}
#: What was sent to the person earlier: by which broadcast, and what became of it.
SENT = {
    "already_messaged": ("first run", "accepted_at = now - interval '20 days'"),
    "recently_messaged": ("before", "accepted_at = now - interval '1 day'"),
    "frequency_cap": ("before", "accepted_at = now - interval '5 days'"),
    "marketing_limit": (
        "before",
        "state = 'failed', error_code = '131049', failed_at = now, accepted_at = NULL",
    ),
}
#: What is known of the person.
KNOWN = ("opted_out", "no_consent", "excluded")
REASONS = (*LEADS, *SENT, *KNOWN)
#: Only a text has it: who wrote within a day gets one.
OF_TEXT = "outside_window"
WRITERS = 12

#: Of forty leads in a row the first three and the last are left out for no reason.
MARK = """
CREATE TABLE every_lead AS
SELECT id AS lead_id, (ARRAY[NULL, NULL, NULL] || %s::text[])[n %% 40] AS reason,
    lag(phone) OVER (ORDER BY id) AS before, '+1212' || (2000000 + n) AS american
FROM (SELECT *, row_number() OVER (ORDER BY id) AS n FROM crm_lead) AS numbered
"""
OPT_IN = """
WITH said AS (
    INSERT INTO whatsapp_broadcast_consent
        (address, kind, purpose, channel, at, recorded_at)
    SELECT DISTINCT phone_sanitized, 'opt_in', 'marketing', 'import', now(), now()
    FROM crm_lead JOIN every_lead ON lead_id = id
    WHERE phone_sanitized <> '' AND reason IS DISTINCT FROM 'no_consent'
    RETURNING id, address
)
INSERT INTO whatsapp_broadcast_choice
    (kind, address, purpose, channel, since, consent_id)
SELECT 'opt_in', address, 'marketing', 'import', now(), id FROM said
"""
OPT_OUT = """
INSERT INTO whatsapp_broadcast_choice (kind, address, purpose, channel, since)
SELECT 'opt_out', phone_sanitized, 'all', 'keyword', now()
FROM crm_lead JOIN every_lead ON lead_id = id WHERE reason = 'opted_out'
"""
MAKE_LIST = """
WITH made AS (
    INSERT INTO whatsapp_broadcast_list (name, active, list_type, model)
    VALUES (%s, TRUE, 'members', 'crm.lead') RETURNING id
)
INSERT INTO whatsapp_broadcast_list_member (list_id, lead_id, state)
SELECT made.id, lead_id, 'subscribed' FROM made, every_lead WHERE %s IN ('', reason)
"""
AGE = """
UPDATE whatsapp_broadcast_recipient r SET {changes}
FROM every_lead e, (SELECT now() AT TIME ZONE 'UTC' AS now) AS clock
WHERE r.lead_id = e.lead_id AND e.reason = %s
"""
RULES = """
UPDATE whatsapp_broadcast_restriction SET active = TRUE;
UPDATE res_company SET whatsapp_cap_count = 1, whatsapp_cap_days = 7,
    whatsapp_consent_rule = 'require'
"""
#: Rows of a broadcast by the reason, "" for those who got the message.
FROZEN = """
SELECT COALESCE(skip_reason, ''), count(*) FROM whatsapp_broadcast_recipient
WHERE broadcast_id = %s GROUP BY 1
"""
STATES = """
SELECT state, count(*) FROM whatsapp_broadcast_recipient
WHERE broadcast_id = %s GROUP BY 1
"""


@pytest.fixture
def stage(make_stage):
    """A stage with the leads; nothing was sent yet, and no rule is on."""
    stage = make_stage("--messages-per-second=1000", "--batch=100")
    stage.control(f"number/{NUMBER_ID}", messaging_limit="TIER_UNLIMITED")
    stage.execute(
        "UPDATE whatsapp_broadcast_number SET messages_per_second = 900,"
        " daily_limit = 0, reserve = 0"
    )
    leads.make(stage, COUNT)
    stage.execute(MARK, [*REASONS])
    for reason, look in LEADS.items():
        stage.execute(
            f"UPDATE crm_lead SET {look} FROM every_lead e"
            " WHERE id = e.lead_id AND e.reason = %s",
            reason,
        )
    return stage


def test_found_is_reachable_and_left_out_is_frozen_and_sent(stage):
    first_run = send_earlier(stage)
    stage.execute(OPT_IN)
    stage.execute(OPT_OUT)
    stage.execute(RULES)
    everybody = to_lists(make_list(stage, ""))
    excluded = make_list(stage, "excluded")
    stage.execute("ANALYZE")  # as PostgreSQL does by itself a minute later

    offer = stage.broadcast(
        [],
        **everybody,
        exclude_list_ids=[[6, 0, [excluded]]],
        exclude_days=3,
        skip_country_guessed=True,
        only_new=True,
        template_params={"body.2": {"field": "city"}},
    )
    stage.execute(
        "UPDATE whatsapp_broadcast SET origin_id = %s WHERE id = %s", first_run, offer
    )
    marks = "SELECT COALESCE(reason, ''), count(*) FROM every_lead GROUP BY 1"
    of_offer = Counter(dict(stage.query(marks)))
    assert check(stage, offer) == of_offer

    write_in(stage)
    text = {"message_type": "text", "body": "Open until five.", "template_id": False}
    of_text = check(stage, stage.broadcast([], **everybody, **text))
    assert of_text[""] == WRITERS

    known = stage.call("whatsapp.broadcast.recipient", "fields_get")["skip_reason"]
    assert {reason for reason, _label in known["selection"]} == {*REASONS, OF_TEXT}
    assert of_offer.keys() == {*REASONS, ""}
    assert of_text[OF_TEXT]
    assert_nobody_lost_nobody_twice(stage)
    assert sent(stage) == Counter(
        line["to"] for line in stage.sandbox.messages() if line["message_id"]
    )


def make_list(stage, reason):
    """Make a list of the leads that hold a reason, of all for ""; return its id."""
    stage.execute(MAKE_LIST, reason, reason)
    [(list_id,)] = stage.query("SELECT max(id) FROM whatsapp_broadcast_list")
    return list_id


def to_lists(*lists):
    return {"audience_type": "list", "list_ids": [[6, 0, lists]]}


def send_earlier(stage):
    """Send what people are left out for later; return the series' first run."""
    sent_by = {}
    for name in ("before", "first run"):
        lists = [make_list(stage, reason) for reason in SENT if SENT[reason][0] == name]
        sent_by[name] = stage.launch([], **to_lists(*lists))
        stage.wait_settled(sent_by[name], seconds=SECONDS)
    for reason, (_name, changes) in SENT.items():
        stage.execute(AGE.format(changes=changes), reason)
    return sent_by["first run"]


def write_in(stage):
    """Let people write who are left out for no reason; return when it is known."""
    phones = stage.query(
        "SELECT phone FROM crm_lead JOIN every_lead ON id = lead_id"
        " WHERE reason IS NULL ORDER BY id DESC LIMIT %s",
        WRITERS,
    )
    for (phone,) in phones:
        sender = {"from": phone.lstrip("+")}
        stage.control("inbound", phone_number_id=NUMBER_ID, type="text", **sender)
    known = "SELECT 1 FROM whatsapp_broadcast_contact WHERE phone = ANY(%s)"
    people = [phone for (phone,) in phones]
    assert wait_until(lambda: len(stage.query(known, people)) == WRITERS, 60)


def check(stage, broadcast):
    """Launch and wait to the end; return {reason: rows}, "" for who got the message.

    What was counted before, shown on the launch page, written down and sent must agree.
    """
    figures = stage.call("whatsapp.broadcast", "get_audience_figures", broadcast)
    opened = stage.call("whatsapp.broadcast", "action_open_launch", broadcast)
    page_id = opened["res_id"]
    counts = ["is_reviewed", "reachable_count", "skipped_count"]
    [page] = stage.call("whatsapp.broadcast.launch", "read", page_id, fields=counts)
    stage.call("whatsapp.broadcast.launch", "action_launch", page_id)
    stats = stage.wait_settled(broadcast, seconds=SECONDS)

    rows = Counter(dict(stage.query(FROZEN, broadcast)))
    left_out = rows.total() - rows[""]
    assert figures["found"] == rows.total() == COUNT
    assert figures["found"] == figures["reachable"] + figures["left_out_count"]
    counted = {entry["reason"]: entry["count"] for entry in figures["left_out"]}
    assert sum(counted.values()) == figures["left_out_count"]
    counted[""] = figures["reachable"]
    assert figures["is_estimate"] == (STEP > 1)
    assert counted == {reason: near(count) for reason, count in rows.items()}

    assert page["is_reviewed"]
    assert (page["reachable_count"], page["skipped_count"]) == (rows[""], left_out)

    states = Counter(dict(stage.query(STATES, broadcast)))
    assert stats["recipient_count"] == COUNT
    assert stats["skipped_count"] == states["skipped"] == left_out
    assert stats["failed_count"] == states["failed"]
    assert stats["accepted_count"] + stats["failed_count"] == rows[""]
    return rows


def near(count):
    """Expect a count exactly, of a sample within five times its standard error."""
    return pytest.approx(count, abs=5 * sqrt(count * (STEP - 1)))


def sent(stage):
    """Return the multiset of phones to which the database says a message went."""
    rows = stage.query(
        "SELECT address FROM whatsapp_broadcast_recipient"
        " WHERE provider_message_id IS NOT NULL"
    )
    return Counter(phone for (phone,) in rows)
