"""Sends webhooks as Meta does: signed, several at a time, again until a 200."""

import asyncio
import hashlib
import heapq
import hmac
import itertools
import json
import secrets
import time
from collections import Counter, deque
from dataclasses import dataclass

import aiohttp

from .errors import GraphError
from .events import envelope

OVERRIDABLE = {"messages", "smb_message_echoes", "calls"}
RETRY_SECONDS = 7 * 86400
LONGEST_PAUSE = 3600.0
BATCH_WAIT = 0.1  # seconds that a batch of several gathers
MAX_BATCH = 1000


def escaped(value):
    r"""JSON bytes as Meta writes and signs them: ``\u00e4`` and ``\/``."""
    text = json.dumps(value, separators=(",", ":"))
    return text.replace("/", "\\/").encode()


def signature(body, app_secret):
    """Value of the header ``X-Hub-Signature-256``."""
    digest = hmac.new(app_secret.encode(), body, hashlib.sha256).hexdigest()
    return f"sha256={digest}"


@dataclass(slots=True)
class Post:
    """A body on its way; ``size``: how many updates it carries."""

    url: str
    body: bytes
    size: int
    first_try: float
    tries: int = 0


class Outbox:
    """Events waiting for their time, and those under way.

    Due times are monotonic seconds. Order is by due time, but with several
    connections and retries it is not guaranteed at the receiver, as with Meta.
    """

    def __init__(self, state):
        self.state = state
        self.counts = Counter()
        self._heap = []
        self._ready = deque()
        self._recorded = []
        self._sequence = itertools.count()
        self._timer = None
        self._again = deque()
        self._tasks = set()
        self._under_way = 0
        self.http = None
        self._loop = None

    async def start(self):
        self._loop = asyncio.get_running_loop()
        self.http = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0),
            headers={"User-Agent": "facebookexternalua"},
        )

    async def stop(self):
        if self._timer:
            self._timer.cancel()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.http.close()

    def pending(self):
        """Events that are still to be sent, those held by a recording apart."""
        return len(self._heap) + len(self._ready) + self._under_way

    def recorded(self):
        return len(self._recorded)

    def schedule(self, due, update):
        """Send an update at ``due``, or keep it while recording."""
        entry = (due, next(self._sequence), due, update)
        if self.state.settings.record:
            self._recorded.append(entry)
            return
        heapq.heappush(self._heap, entry)
        if self._heap[0] is entry:
            self._arm()

    def release(self, per_second=None):
        """Send what was recorded, in order of time; returns how many.

        :param per_second: pace; None sends as fast as the receiver answers.
        """
        entries = sorted(self._recorded)
        self._recorded = []
        now = time.monotonic()
        for index, (_, sequence, happened, update) in enumerate(entries):
            due = now + index / per_second if per_second else now
            heapq.heappush(self._heap, (due, sequence, happened, update))
        if entries:
            self._arm()
        return len(entries)

    def _arm(self):
        if self._timer:
            self._timer.cancel()
        wait = BATCH_WAIT if self.state.settings.batch > 1 else 0
        self._timer = self._loop.call_at(self._heap[0][0] + wait, self._pump)

    def _pump(self):
        now = time.monotonic()
        while self._heap and self._heap[0][0] <= now:
            _, _, happened, update = heapq.heappop(self._heap)
            update.on_due(self.state, now)
            self._enqueue(happened, update)
        if self._heap:
            self._arm()
        self._launch()

    def _enqueue(self, happened, update):
        url = self._url(update)
        if not url:
            self.counts["dropped"] += 1
            return
        wall = happened - time.monotonic() + time.time()
        self._ready.append((url, wall, update))

    def _url(self, update):
        """Number's, account's or app's callback; None if nobody listens."""
        state = self.state
        waba = state.wabas[update.waba_id]
        if not waba.subscribed or update.field not in state.app.fields:
            return None
        if update.field in OVERRIDABLE:
            number = update.number
            own = number.override_callback_uri if number else ""
            return own or waba.override_callback_uri or state.settings.webhook
        return state.settings.webhook

    def _launch(self):
        connections = self.state.settings.webhook_connections
        while len(self._tasks) < connections and (self._again or self._ready):
            post = self._again.popleft() if self._again else self._take()
            task = self._loop.create_task(self._deliver(post))
            self._tasks.add(task)
            task.add_done_callback(self._done)

    def _done(self, task):
        self._tasks.discard(task)
        if not task.cancelled():
            self._launch()

    def _take(self):
        most = min(self.state.settings.batch, MAX_BATCH)
        url = self._ready[0][0]
        updates = []
        while self._ready and len(updates) < most and self._ready[0][0] == url:
            updates.append(self._ready.popleft()[1:])
        self._under_way += len(updates)
        body = escaped(envelope(updates))
        return Post(url, body, len(updates), time.monotonic())

    async def _deliver(self, post):
        status = await self.post(post.url, post.body)
        if status == 200:
            self.counts["delivered"] += post.size
            self._under_way -= post.size
        elif time.monotonic() - post.first_try > RETRY_SECONDS:
            self.counts["given_up"] += post.size
            self._under_way -= post.size
        else:
            pause = self.state.settings.retry_pause * 2 ** min(post.tries, 20)
            post.tries += 1
            self._loop.call_later(min(pause, LONGEST_PAUSE), self._retry, post)

    def _retry(self, post):
        self._again.append(post)
        self._launch()

    async def post(self, url, body):
        """One signed POST; the HTTP status, or 0 if there was no answer."""
        self.counts["posts"] += 1
        headers = {
            "Content-Type": "application/json",
            "X-Hub-Signature-256": signature(body, self.state.settings.app_secret),
        }
        timeout = aiohttp.ClientTimeout(total=self.state.settings.webhook_timeout)
        try:
            async with self.http.post(
                url, data=body, headers=headers, timeout=timeout, allow_redirects=False
            ) as answer:
                await answer.read()
                status = answer.status
        except (aiohttp.ClientError, asyncio.TimeoutError):
            status = 0
        if status != 200:
            self.counts["unsuccessful_posts"] += 1
        return status

    async def verify(self, url, verify_token):
        """The handshake; raises what Meta's dashboard shows when it fails."""
        challenge = str(secrets.randbelow(10**10))
        query = {
            "hub.mode": "subscribe",
            "hub.challenge": challenge,
            "hub.verify_token": verify_token,
        }
        timeout = aiohttp.ClientTimeout(total=self.state.settings.webhook_timeout)
        try:
            async with self.http.get(
                url, params=query, timeout=timeout, allow_redirects=False
            ) as answer:
                text, status = await answer.text(), answer.status
        except (aiohttp.ClientError, asyncio.TimeoutError, ValueError) as error:
            raise verification_failed(f"cURL error: {type(error).__name__}") from error
        if status != 200:
            raise verification_failed(f"HTTP Status Code = {status}")
        if text != challenge:
            raise verification_failed("The challenge was not echoed")


def verification_failed(reason):
    return GraphError(
        2200,
        details="",
        message=f"(#2200) Callback verification failed with the following errors: "
        f"{reason}",
    )
