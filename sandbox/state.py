"""Everything that the sandbox knows: accounts, numbers, templates, media, tokens."""

import asyncio
import json
import random
import time
from collections import Counter
from dataclasses import dataclass, field

from aiohttp import web

from .errors import GraphError, missing_object
from .ledger import Ledger
from .limits import PairLimit, Throughput
from .people import People
from .templates import Template
from .webhooks import Outbox

SCOPES = ("whatsapp_business_management", "whatsapp_business_messaging")
FIELDS = (
    "messages",
    "smb_message_echoes",
    "message_template_status_update",
    "message_template_quality_update",
    "message_template_components_update",
    "template_category_update",
    "phone_number_quality_update",
    "phone_number_name_update",
    "account_update",
    "account_alerts",
    "account_review_update",
    "business_capability_update",
    "user_preferences",
    "user_id_update",
)


@dataclass
class App:
    """The Meta app, and the webhook fields it subscribed to."""

    id: str
    name: str
    fields: set = field(default_factory=lambda: set(FIELDS))


@dataclass
class Waba:
    """A WhatsApp Business Account."""

    id: str
    name: str
    business_id: str
    currency: str
    timezone_id: str
    country: str
    subscribed: bool = False
    override_callback_uri: str = ""
    send_error: int | None = None


@dataclass
class Number:
    """A sender. ``send_error``: code with which every message is refused."""

    id: str
    waba: Waba
    display_phone_number: str
    country_dial_code: str
    verified_name: str
    messages_per_second: int | None = None
    coexistence: bool = False
    registered: bool = True
    pin: str | None = None
    pin_guesses: int = 0
    status: str = "CONNECTED"
    quality_rating: str = "GREEN"
    name_status: str = "APPROVED"
    code_verification_status: str = "VERIFIED"
    account_mode: str = "LIVE"
    messaging_limit: str = "TIER_10K"
    override_callback_uri: str = ""
    send_error: int | None = None
    throughput: Throughput = field(default_factory=Throughput)
    accepted: int = 0

    @property
    def digits(self):
        return "".join(filter(str.isdigit, self.display_phone_number))

    def limit(self, default):
        """Messages per second, 0 for no limit."""
        own = self.messages_per_second
        return default if own is None else own


@dataclass
class Token:
    """An access token; ``waba_ids`` None means all, ``expires_at`` 0 means never."""

    token: str
    scopes: tuple = SCOPES
    waba_ids: tuple | None = None
    expires_at: int = 0
    valid: bool = True

    def expired(self):
        return self.expires_at and self.expires_at <= time.time()

    def sees(self, waba_id):
        return self.waba_ids is None or waba_id in self.waba_ids


class State:
    """One sandbox. All methods are called from its event loop only."""

    def __init__(self, settings):
        self.settings = settings
        self.started = time.monotonic()
        self.chance = random.Random(settings.seed)
        self.people = People(settings.seed)
        self.ledger = Ledger(settings.ledger)
        self.results = Counter()
        self.faults = Counter()
        #: (first characters of the phone, category, type): messages
        self.bill = Counter()
        self.pairs = PairLimit()
        self.last_inbound = {}
        self.inbound_ids = set()
        self.receipts = []
        self.stopped = set()
        self.media, self.links = {}, {}
        self.uploads = {}
        self.tasks = set()
        self.reviews_pending = 0
        self.wabas, self.numbers, self.tokens = {}, {}, {}
        self.templates, self._template_names = {}, {}
        with open(settings.config, encoding="utf-8") as file:
            world = file.read()
        try:
            self._load(json.loads(world))
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise ValueError(
                f"{settings.config} is no configuration: {error!r}; "
                "see world.json of the sandbox"
            ) from error
        self.outbox = Outbox(self)

    def _load(self, world):
        self.app = App(**world["app"])
        for values in world.get("tokens", ()):
            self.tokens[values["token"]] = Token(**values)
        for values in world["wabas"]:
            numbers, templates = values.pop("numbers"), values.pop("templates", ())
            waba = Waba(**values, subscribed=self.settings.subscribe)
            self.wabas[waba.id] = waba
            for one in numbers:
                self.numbers[one["id"]] = Number(waba=waba, **one)
            for one in templates:
                self.add_template(Template(waba_id=waba.id, **one))

    def add_template(self, template):
        self.templates[template.id] = template
        self._template_names[template.key] = template

    def remove_template(self, template):
        del self.templates[template.id]
        del self._template_names[template.key]

    def template(self, waba_id, name, language):
        """The template of an account by name and language, or None."""
        return self._template_names.get((waba_id, name, language))

    def waba_numbers(self, waba):
        return [one for one in self.numbers.values() if one.waba is waba]

    def find(self, method, object_id, token):
        """The object behind an id, if the token may see it; else Meta's refusal."""
        for objects in (self.numbers, self.wabas, self.templates, self.media):
            if found := objects.get(object_id):
                if token.sees(owner_id(found)):
                    return found
                break
        if object_id in ("app", self.app.id):
            return self.app
        raise missing_object(method, object_id)

    def token(self, text):
        """The token with this text; raises what Meta answers to a bad one."""
        if not text:
            raise GraphError(104)
        token = self.lookup_token(text)
        if token is None or not token.valid:
            raise GraphError(
                190, message="Invalid OAuth access token - Cannot parse access token"
            )
        if token.expired():
            raise GraphError(
                190,
                message="Error validating access token: Session has expired.",
                error_subcode=463,
            )
        return token

    def lookup_token(self, text):
        """Registered tokens first; else the words ``expired`` and ``noperm``."""
        if found := self.tokens.get(text):
            return found
        if text == self.settings.token or text == self.app_token():
            return Token(text)
        if "expired" in text:
            return Token(text, expires_at=1)
        if "noperm" in text:
            return Token(text, scopes=("public_profile",))
        return None

    def app_token(self):
        """Meta's app access token: app id and secret, with a bar between."""
        return f"{self.app.id}|{self.settings.app_secret}"

    async def connect_webhook(self, url, verify_token):
        """Handshake, then send the app's webhooks there."""
        await self.outbox.verify(url, verify_token)
        self.settings.verify_token = verify_token
        self.settings.webhook = url

    def background(self, work):
        """Run a coroutine beside the requests; stopped with the sandbox."""
        task = asyncio.get_running_loop().create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def stop(self):
        """End everything that runs; the ledger is complete afterwards."""
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        await self.outbox.stop()
        self.ledger.close()

    def window_open(self, number, person, now):
        """May the person get free-form messages at ``now`` (monotonic seconds)?"""
        last = self.last_inbound.get((number.id, person.user_id))
        return last is not None and now - last < self.settings.service_window


def owner_id(found):
    """Id of the account that an object belongs to."""
    if isinstance(found, Waba):
        return found.id
    if isinstance(found, Number):
        return found.waba.id
    return found.waba_id


STATE = web.AppKey("state", State)
