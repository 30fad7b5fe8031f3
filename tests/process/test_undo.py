"""A launch is undone while messages are taken in hand: one of both comes first."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

from tools import postgres
from tools.processes import wait_until
from tools.stage import Refused, phones

TAKE = """
UPDATE whatsapp_broadcast_recipient SET state = 'sending', due_at = NULL,
    token = 'r' || id || '-x', attempt_count = 1
WHERE broadcast_id = %s
"""
WAITS = """
SELECT 1 FROM pg_stat_activity
WHERE datname = current_database() AND wait_event_type = 'Lock'
    AND query LIKE '%%FOR NO KEY UPDATE%%'
"""


def undo(stage, broadcast):
    try:
        return stage.call("whatsapp.broadcast", "action_back_to_draft", broadcast)
    except Refused as refusal:
        return str(refusal)


def test_a_claim_that_is_not_committed_yet_keeps_it_launched(make_stage):
    stage = make_stage()
    broadcast = stage.broadcast(stage.make_leads(phones(3)))
    stage.call("whatsapp.broadcast", "action_review", broadcast)
    stage.execute(
        "UPDATE whatsapp_broadcast SET state = 'paused', audience_cursor = 'done'"
    )
    with (
        closing(postgres.connect(stage.database)) as claim,
        claim.cursor() as cursor,
        ThreadPoolExecutor(1) as pool,
    ):
        cursor.execute("SELECT FROM whatsapp_broadcast FOR SHARE")
        cursor.execute(TAKE, [broadcast])
        undone = pool.submit(undo, stage, broadcast)
        wait_until(lambda: stage.query(WAITS), 60)
        claim.commit()
        answer = undone.result(timeout=60)

    assert "were sent already" in answer
    assert stage.query("SELECT state FROM whatsapp_broadcast") == [("paused",)]
    [(rows,)] = stage.query(
        "SELECT count(*) FROM whatsapp_broadcast_recipient WHERE token IS NOT NULL"
    )
    assert rows == 3


def test_while_it_is_sent_either_nobody_or_everybody_is_written_to(make_stage):
    stage = make_stage("--delivered=1")
    for round_ in range(4):
        leads = stage.make_leads(phones(20, first=100 * round_))
        broadcast = stage.launch(leads)
        stage.wait(broadcast, lambda stats: stats["state"] != "preparing")
        taken = len(stage.sandbox.messages())
        answer = undo(stage, broadcast)
        if answer is True:
            assert stage.stats(broadcast)["state"] == "draft"
            assert len(stage.sandbox.messages()) == taken
        else:
            assert "were sent already" in answer or "cannot be" in answer
            assert stage.wait_settled(broadcast)["delivered_count"] == 20
    assert not any(stage.compare_ledger().values())
