"""An A/B test by real server and sandbox: who gets which, and when it is decided."""

from collections import Counter

from clicks import TRACK_BUTTON, press

from tools.stage import phones

OFFER = "https://shop.example/offer/spring"
PEOPLE = 120
ROWS = """
SELECT r.variant, t.name, r.phone, r.state FROM whatsapp_broadcast_recipient r
JOIN whatsapp_broadcast_template t ON t.id = r.template_id
"""


def test_the_message_that_is_clicked_goes_to_the_rest(make_stage):
    stage = make_stage("--delivered=1", "--read=0")
    stage.execute(TRACK_BUTTON)
    [other] = stage.call(
        "whatsapp.broadcast.template",
        "search",
        domain=[["name", "=", "spring_offer"], ["language", "=", "en_US"]],
    )
    params = {"button.0": {"text": OFFER}}
    broadcast = stage.launch(
        stage.make_leads(phones(PEOPLE)),
        template="welcome_header",
        variant_ids=[[0, 0, {"template_id": other, "template_params": params}]],
        ab_share=50,
        ab_metric="clicked",
    )

    def test_is_out(stats):
        return stats["state"] == "sending" and not stage.query(
            "SELECT FROM whatsapp_broadcast_recipient"
            " WHERE variant IS NOT NULL AND state IN ('queued', 'sending')"
        )

    stage.wait(broadcast, test_is_out)
    tested = stage.query(ROWS)
    waiting = {phone for variant, _template, phone, _state in tested if not variant}
    assert 0 < len(waiting) < PEOPLE
    taken = {message["to"]: message["links"] for message in stage.sandbox.messages()}
    assert taken.keys() == {phone for _v, _t, phone, _s in tested} - waiting

    pressed = next(end for [*ends] in taken.values() for end in ends)
    assert press(f"{stage.server.url}/w/{pressed}")[0] == 302
    # Its time is over.
    stage.execute(
        "UPDATE whatsapp_broadcast SET ab_decide_at = now() - '1 h'::interval"
    )
    stats = stage.wait_settled(broadcast, seconds=150)

    assert stats["delivered_count"] == PEOPLE
    assert [*stage.query("SELECT ab_winner FROM whatsapp_broadcast")] == [("B",)]
    rows = {phone: (variant, name) for variant, name, phone, _s in stage.query(ROWS)}
    assert {rows[phone] for phone in waiting} == {("B", "spring_offer")}
    assert all(
        rows[phone] == (variant, name) for variant, name, phone, _s in tested if variant
    )
    messages = Counter(message["to"] for message in stage.sandbox.messages())
    assert set(messages.values()) == {1}
    assert len(messages) == PEOPLE
    assert not any(stage.compare_ledger().values())
