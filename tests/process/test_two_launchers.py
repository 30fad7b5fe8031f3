"""Two people launch the same broadcast at the same moment."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from tools.stage import Refused, phones


def test_one_wins_and_the_other_is_told(make_stage):
    stage = make_stage("--delivered=1")
    for round_ in range(3):
        leads = stage.make_leads(phones(5, first=100 * round_))
        broadcast = stage.broadcast(leads)
        answers = at_once(4, lambda id_=broadcast: launch(stage, id_))
        refusals = [answer for answer in answers if answer is not True]

        assert len(refusals) == 3
        assert all("cannot be launched" in text for text in refusals)
        assert stage.wait_settled(broadcast)["delivered_count"] == 5
    assert not any(stage.compare_ledger().values())


def at_once(count, act):
    """Call ``act`` in threads that start together; return what each call gave."""
    barrier = Barrier(count)

    def run(_number):
        barrier.wait()
        return act()

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count)))


def launch(stage, broadcast):
    try:
        return stage.call(
            "whatsapp.broadcast", "action_launch", broadcast, accept_no_webhook=True
        )
    except Refused as refusal:
        return str(refusal)
