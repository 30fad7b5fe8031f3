"""F10, F11, F12, F16: what comes in at the webhook, and what becomes of it."""

import http.client
import itertools
import json
import time
from collections import Counter
from contextlib import closing, contextmanager
from urllib.parse import quote, urlsplit

from psycopg2.extras import execute_values

from benchmarks import deliveries, volley
from benchmarks.deliveries import Recipient
from tools.processes import wait_until
from tools.stage import NUMBER_ID, WABA_ID

from .arena import Arena, Scene
from .senders import set_rate
from .tally import percentile

#: Statuses only go up, in this order.
ORDER = ("accepted", "sent", "failed", "delivered", "read")
COPIES = 5
#: Deliveries that wait while nothing merges, and the seconds that more are posted.
BACKLOG, BACKLOG_PEOPLE, POST_SECONDS = 300_000, 3000, 15
FAST = 1000

ADD_EVENTS = """
INSERT INTO whatsapp_broadcast_event
    (account_id, received_at, payload, state, attempt_count)
SELECT n.account_id, clock_timestamp() AT TIME ZONE 'UTC', v.payload, 'new', 0
FROM (VALUES %s) AS v (payload),
    (SELECT min(account_id) AS account_id FROM whatsapp_broadcast_number) AS n
"""

#: Refuses what the statement after it names, as the database would for another reason.
REFUSE = """
CREATE FUNCTION refuse() RETURNS trigger AS $$ BEGIN
    IF {condition} THEN RAISE EXCEPTION 'refused' USING ERRCODE = '{code}'; END IF;
    RETURN NEW;
END $$ LANGUAGE plpgsql;
CREATE TRIGGER refuse BEFORE {when} FOR EACH ROW EXECUTE FUNCTION refuse()
"""
ALLOW = "DROP FUNCTION refuse CASCADE"


# === F10 === #


def doubled_and_disordered(arena: Arena) -> None:
    """Statuses five times each, in any order, before our commit, of unknown ids"""
    scene = _sent(arena, 200)
    expected, bodies = {}, []
    for one in _recipients(scene):
        statuses = arena.chance.sample(ORDER[1:], arena.chance.randint(1, 4))
        expected[one.message_id] = max(statuses, key=ORDER.index)
        bodies += [deliveries.statuses([one], status) for status in statuses * COPIES]
    stranger = Recipient("wamid.unknown", "+12125559999", "")
    bodies += [deliveries.statuses([stranger], "read")]
    arena.chance.shuffle(bodies)
    fell = _post_and_watch(scene, bodies)
    found = dict(_states(scene))
    wrong = sum(found[one] != state for one, state in expected.items())
    arena.measure("deliveries", len(bodies))
    arena.measure("wrong states", wrong, at_most=0)
    arena.measure("states that fell", fell, at_most=0)
    arena.measure("counters that are off", _miscounted(scene), at_most=0)
    _before_our_commit(arena)


def _post_and_watch(scene: Scene, bodies: list[bytes]) -> int:
    """Post all; return how often a state was seen to fall meanwhile."""
    fell, before = 0, dict(_states(scene))
    for first in range(0, len(bodies), 200):
        for body in bodies[first : first + 200]:
            _expect(scene, body, 200)
        after = dict(_states(scene))
        fell += sum(ORDER.index(after[k]) < ORDER.index(before[k]) for k in before)
        before = after
    # The unknown message is waited for; all else is merged.
    waiting = (
        "SELECT count(*) FROM whatsapp_broadcast_event"
        " WHERE processed_at IS NULL AND attempt_count = 0"
    )
    if not wait_until(lambda: scene.ask(waiting) == 0, 60):
        raise TimeoutError("the deliveries were not merged")
    return fell


def _miscounted(scene: Scene) -> int:
    """Return by how much the counters differ from the rows."""
    [(broadcast,)] = scene.query("SELECT max(id) FROM whatsapp_broadcast")
    stats = scene.stats(broadcast)
    states = Counter(state for _message, state in _states(scene))
    delivered = states["delivered"] + states["read"]
    accepted = sum(states.values()) - states["failed"]
    real = {
        "accepted_count": accepted,
        "delivered_count": delivered,
        "read_count": states["read"],
        "failed_count": states["failed"],
    }
    return sum(abs(stats[name] - count) for name, count in real.items())


def _before_our_commit(arena: Arena) -> None:
    """Let statuses come while the answer to the message is still on its way."""
    scene = arena.scene(
        "--latency=1500ms", "--status-delays=0", "--duplicates=1", "--disorder=1"
    )
    scene.launch(scene.people(100))
    scene.wait_rest()
    not_delivered = sum(state != "delivered" for _id, state in _states(scene))
    arena.measure("early statuses forgotten", not_delivered, at_most=0)


# === F11 === #


def wrong_letters(arena: Arena) -> None:
    """Unsigned, cut, wrongly signed, too long, deep, of others, replayed"""
    scene = _sent(arena, 50)
    people = _recipients(scene)
    body = deliveries.statuses(people[:1], "read")
    stored = _stored(scene)
    refused = list(_refused(body))
    for given, headers in refused:
        _expect(scene, given, (403, 413), **headers)
    _expect(scene, body, 403, path="/whatsapp_broadcast/webhook/" + "ü" * 3000)
    arena.measure("refused", len(refused) + 1)
    arena.measure("rows of what was refused", _stored(scene) - stored, at_most=0)
    states = _states(scene)
    taken = [
        b"[" * 100_000,
        deliveries.statuses(people[1:2]).replace(
            NUMBER_ID.encode(), b"999999999999999"
        ),
        deliveries.statuses(people[1:2])
        .replace(WABA_ID.encode(), b"888888888888888")
        .replace(NUMBER_ID.encode(), b"999999999999999"),
    ]
    for given in taken:
        _expect(scene, given, 200)
    _wait_merged(scene)
    changed = sum(map(tuple.__ne__, states, _states(scene)))
    arena.measure("changed by strangers", changed, at_most=0)
    _expect(scene, _three_megabytes(people), 200)
    _wait_merged(scene)
    read = Counter(state for _id, state in _states(scene))["read"]
    arena.measure("read by 1,000 statuses at once", read, at_least=len(people))
    _expect(scene, deliveries.statuses(people, "sent"), 200)  # an old one again
    _wait_merged(scene)
    read -= Counter(state for _id, state in _states(scene))["read"]
    arena.measure("changed by a replay", read, at_most=0)
    broken = scene.server.process.log.read_text().count(" 500 ")
    arena.measure("answered 500", broken, at_most=0)


def _refused(body: bytes):
    """Yield (body, headers) that no door may let in."""
    good = deliveries.signature(body)
    for signature in (
        "",
        good[:-1],
        good.upper(),
        good.removeprefix("sha256="),
        good.replace("sha256", "sha1"),
        "sha256=" + "0" * 64,
        "sha256=\xe4\xff",
        good + "é",
    ):
        yield body, {"X-Hub-Signature-256": signature}
    yield body, {"X-Hub-Signature": good}
    yield body[:-1], {"X-Hub-Signature-256": good}
    yield body + b" ", {"X-Hub-Signature-256": good}
    yield b"", {"X-Hub-Signature-256": good}
    long = b" " * (4 * 1024 * 1024 + 1)
    yield long, {"X-Hub-Signature-256": deliveries.signature(long)}


def _three_megabytes(people: list[Recipient]) -> bytes:
    """Return the largest delivery that there is: 1,000 statuses, 3 MB."""
    body = deliveries.statuses(itertools.islice(itertools.cycle(people), 1000), "read")
    return body + b" " * (3 * 1024 * 1024 - len(body))


# === F12 === #


def backlog(arena: Arena) -> None:
    """300,000 deliveries wait because nothing merges; then they are merged"""
    scene = _sent(arena, BACKLOG_PEOPLE, FAST)
    people = _recipients(scene)
    count = int(BACKLOG * min(1, 10 * arena.options.scale))
    scene.server.stop()
    scene.server.cron_threads = 0
    scene.start()
    _fill_inbox(scene, people, count)
    bodies = itertools.cycle(
        [
            volley.request(
                scene.webhook_url,
                body,
                X_Hub_Signature_256=deliveries.signature(body),
            )
            for body in (deliveries.statuses([one], "sent") for one in people)
        ]
    )
    shots = volley.fire(scene.server.port, bodies, POST_SECONDS)
    p50, p99 = (1000 * percentile(shots.durations, share) for share in (0.5, 0.99))
    arena.measure("POSTs a second", shots.rate)
    arena.measure("p50", p50, " ms", at_most=250)
    arena.measure("p99", p99, " ms", at_most=1000)
    waiting = scene.ask(
        "SELECT count(*) FROM whatsapp_broadcast_event WHERE processed_at IS NULL"
    )
    scene.server.stop()
    scene.server.cron_threads = 2
    scene.start()
    if not wait_until(scene.is_merged, waiting / 1000 + 60):
        raise TimeoutError("the backlog was not merged")
    seconds = scene.ask(
        "SELECT extract(epoch FROM max(processed_at) - min(processed_at))::float"
        " FROM (SELECT processed_at FROM whatsapp_broadcast_event"
        " ORDER BY processed_at DESC LIMIT %s) AS merged",
        waiting,
    )
    arena.measure("merged", waiting / seconds, "/s", at_least=3000)
    read = Counter(state for _id, state in _states(scene))["read"]
    arena.measure("not read", len(people) - read, at_most=0)


def _fill_inbox(scene: Scene, people: list[Recipient], count: int) -> None:
    bodies = [
        deliveries.statuses([one], status)
        for one in people
        for status in ("read", "delivered", "sent")
    ]
    rows = ((body,) for body in itertools.islice(itertools.cycle(bodies), count))
    with scene.connection() as connection, connection, connection.cursor() as cursor:
        execute_values(cursor, ADD_EVENTS, rows, "(%s::bytea)", page_size=500)


# === F16 === #


def poison(arena: Arena) -> None:
    """A row that cannot be merged; a full disk and conflicts at door and merge"""
    scene = _sent(arena, 100)
    people = _recipients(scene)
    poisoned = people[0]
    is_poisoned = f"NEW.phone = '{poisoned.phone}' AND NEW.state = 'read'"
    with _refusing(scene, "UPDATE ON whatsapp_broadcast_recipient", is_poisoned):
        for one in people:
            _expect(scene, deliveries.statuses([one], "read"), 200)
        aside = (
            "SELECT count(*) FROM whatsapp_broadcast_event WHERE state = 'set_aside'"
        )
        # Three tries, and nobody is woken for one: the cron looks once a minute.
        if not wait_until(lambda: scene.ask(aside) == 1, 200):
            raise TimeoutError("the poisoned delivery was not set aside")
        read = Counter(state for _id, state in _states(scene))["read"]
        arena.measure("read beside the poisoned one", read, at_least=len(people) - 1)
    scene.run(
        "env['whatsapp.broadcast.event'].search([('state', '=', 'set_aside')])"
        ".action_retry()\nenv.cr.commit()"
    )
    _wait_merged(scene)
    read = Counter(state for _id, state in _states(scene))["read"]
    arena.measure("read after it was read again", read, at_least=len(people))
    _full_disk(arena)


def _full_disk(arena: Arena) -> None:
    """Let the provider repeat what could not be stored, and the merge wait."""
    scene = arena.scene("--read=1")
    scene.launch(scene.people(300))
    for when, code in (
        ("INSERT ON whatsapp_broadcast_event", "53100"),
        ("INSERT ON whatsapp_broadcast_event", "40001"),
        ("INSERT ON whatsapp_broadcast_counter", "53100"),
        ("INSERT ON whatsapp_broadcast_counter", "40001"),
    ):
        condition = "random() < 0.5" if code == "40001" else "TRUE"
        with _refusing(scene, when, condition, code):
            time.sleep(3)
    scene.wait_rest(180)
    aside = scene.ask(
        "SELECT count(*) FROM whatsapp_broadcast_event WHERE state = 'set_aside'"
    )
    arena.measure("set aside by a full disk", aside, at_most=0)
    not_read = sum(state != "read" for _id, state in _states(scene))
    arena.measure("not read after it", not_read, at_most=0)


@contextmanager
def _refusing(scene: Scene, when: str, condition: str, code: str = "P0001"):
    scene.execute(REFUSE.format(condition=condition, when=when, code=code))
    try:
        yield
    finally:
        scene.execute(ALLOW)


# === WHAT THE ROWS SHARE === #


def _sent(arena: Arena, count: int, rate: int = 0) -> Scene:
    """Return a scene whose messages are sent, and whose provider says no more."""
    scene = arena.scene()
    if rate:
        set_rate(scene, NUMBER_ID, rate)
    scene.control("settings", record=True)
    scene.launch(scene.people(count))
    scene.wait_state("done", 120)
    return scene


def _recipients(scene: Scene) -> list[Recipient]:
    rows = scene.query(
        "SELECT provider_message_id, phone, token FROM whatsapp_broadcast_recipient"
        " ORDER BY id"
    )
    return list(itertools.starmap(Recipient, rows))


def _states(scene: Scene) -> list[tuple[str, str]]:
    return scene.query(
        "SELECT provider_message_id, state FROM whatsapp_broadcast_recipient"
        " ORDER BY id"
    )


def _stored(scene: Scene) -> int:
    return scene.ask("SELECT count(*) FROM whatsapp_broadcast_event")


def _wait_merged(scene: Scene) -> None:
    if not wait_until(scene.is_merged, 60):
        raise TimeoutError("the deliveries were not merged")


def _expect(scene: Scene, body: bytes, status, path: str = "", **headers) -> None:
    """Post ``body``, signed unless headers are given; raise for another answer."""
    headers = headers or {"X-Hub-Signature-256": deliveries.signature(body)}
    parts = urlsplit(scene.webhook_url)
    address = (parts.hostname, parts.port)
    with closing(http.client.HTTPConnection(*address, timeout=60)) as connection:
        connection.putrequest("POST", quote(path or parts.path))
        for name, value in {"Content-Type": "application/json", **headers}.items():
            connection.putheader(name, value.encode("utf-8"))
        connection.putheader("Content-Length", str(len(body)))
        connection.endheaders()
        try:
            connection.send(body)
        except BrokenPipeError:  # answered before it was read
            pass
        found = connection.getresponse().status
    wanted = status if isinstance(status, tuple) else (status,)
    if found not in wanted:
        raise RuntimeError(f"{found} for {body[:60]!r} with {json.dumps(headers)}")
