"""Tracked links, from the launch to people who press them all at once."""

from concurrent.futures import ThreadPoolExecutor

from clicks import TRACK_BUTTON, press

from tools.stage import phones

OFFER = "https://shop.example/offer/spring"


def test_each_person_is_known_by_his_link(make_stage):
    stage = make_stage("--delivered=1", "--read=0")
    stage.execute(TRACK_BUTTON)
    broadcast = stage.launch(
        stage.make_leads(phones(60)), template_params={"button.0": {"text": OFFER}}
    )
    stage.wait_settled(broadcast)
    taken = stage.sandbox.messages()
    links = {message["to"]: message["links"] for message in taken}
    assert len(links) == len({end for [end] in links.values()}) == 60

    # Half of them, some of them often, and all at the same time.
    pressing = sorted(links)[:30]
    urls = [f"{stage.server.url}/w/{links[to][0]}" for to in pressing]
    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(press, urls + urls[:5] * 8 + urls[:1] * 20))

    assert {status for status, _target in answers} == {302}
    assert all(target.startswith(f"{OFFER}?") for _status, target in answers)
    assert stage.stats(broadcast)["clicked_count"] == 30
    clicked = stage.query(
        "SELECT phone FROM whatsapp_broadcast_recipient WHERE clicked_at IS NOT NULL"
    )
    assert sorted(phone for (phone,) in clicked) == pressing
    [(clicks,)] = stage.query("SELECT count(*) FROM link_tracker_click")
    assert clicks == 30
