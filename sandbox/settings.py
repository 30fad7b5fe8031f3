"""What can be chosen on the command line, and changed later through the control API."""

import argparse
from dataclasses import dataclass, field, fields
from pathlib import Path

from .durations import duration
from .faults import fault_text, parse_fault

WORLD = Path(__file__).with_name("world.json")


def share(text):
    """A probability between 0 and 1."""
    value = float(text)
    if not 0 <= value <= 1:
        raise ValueError(f"{text!r} is no share: write a number from 0 to 1")
    return value


def at_least(minimum, kind):
    """A converter to ``kind`` that refuses less than ``minimum``."""

    def convert(text):
        value = kind(text)
        if value < minimum:
            raise ValueError(f"{text!r} is too small: at least {minimum}")
        return value

    return convert


def switch(value):
    """A boolean; text such as ``"false"`` is refused rather than taken as true."""
    if not isinstance(value, bool):
        raise ValueError(f"{value!r} is neither true nor false")
    return value


def categories(text):
    """Categories of messages; Meta's are told apart by commas."""
    return tuple(filter(None, text.split(",")))


def option(default, convert, text, fixed=False, **more):
    """A dataclass field that is also a command line option.

    ``fixed``: only at the start, not through the control API.
    """
    metadata = {"convert": convert, "help": text, "fixed": fixed, "argument": more}
    if callable(default):
        return field(default_factory=default, metadata=metadata)
    return field(default=default, metadata=metadata)


@dataclass
class Settings:
    """All times in seconds, all shares from 0 to 1."""

    host: str = option("127.0.0.1", str, "address to listen on", fixed=True)
    port: int = option(8890, int, "port; 0 takes a free one", fixed=True)
    config: str = option(
        str(WORLD), str, "JSON file with accounts, numbers, templates", fixed=True
    )
    ledger: str = option("", str, "file that gets one line a message", fixed=True)
    seed: int = option(1, int, "seed of all chance", fixed=True)

    token: str = option("sandbox-token", str, "access token that may do everything")
    app_secret: str = option("sandbox-app-secret", str, "signs webhooks")
    webhook: str = option("", str, "callback URL of the app")
    verify_token: str = option("sandbox-verify-token", str, "for the handshake")
    subscribe: bool = option(
        True, switch, "accounts are subscribed to the app from the start", fixed=True
    )

    latency: float = option(0.0, duration, "time to answer: 150 or 150ms, 2s")
    jitter: float = option(0.0, duration, "latency varies by up to this, both ways")
    messages_per_second: int = option(
        80, at_least(0, int), "throughput of a number without its own; 0 = no limit"
    )
    inbound_counts: bool = option(
        True, switch, "inbound messages use up throughput too"
    )
    pair_limit: bool = option(True, switch, "one message per person and 6 s, burst 45")
    service_window: float = option(
        86400.0, duration, "how long a person's message allows free-form answers"
    )
    free_in_window: tuple = option(
        (),
        categories,
        "categories that cost nothing inside the service window: none since October "
        "2026, utility,service before",
    )
    approve_after: float = option(
        2.0, duration, "time until a new template is approved"
    )
    media_links: bool = option(
        False, switch, "fetch media given by link, as Meta does, before delivering"
    )
    fault: list = option(
        list, parse_fault, "NAME:SHARE[:DURATION], may be repeated", action="append"
    )

    delivered: float = option(0.97, share, "share of messages that are delivered")
    read: float = option(0.6, share, "share of delivered messages that are read")
    silent_delivery: float = option(
        0.0, share, "share of read messages that get no 'delivered'"
    )
    replies: float = option(0.0, share, "share of readers that answer")
    stop_share: float = option(0.0, share, "share of the answers that opt out")
    hide_phones: float = option(0.0, share, "share of persons whose phone is hidden")
    status_delays: float = option(
        1.0, at_least(0, float), "scale of the times between statuses"
    )
    duplicates: float = option(0.0, share, "share of events that are sent twice")
    disorder: float = option(
        0.0, share, "share of messages whose statuses come early and in any order"
    )

    batch: int = option(1, at_least(1, int), "most updates in one POST, up to 1000")
    record: bool = option(
        False, switch, "keep events until the control API releases them"
    )
    webhook_connections: int = option(8, at_least(1, int), "webhook POSTs at a time")
    webhook_timeout: float = option(10.0, duration, "wait for the webhook's answer")
    retry_pause: float = option(
        1.0, duration, "first pause after an unsuccessful webhook POST; doubles"
    )

    def change(self, values):
        """Set several by name; raises ValueError, and then changes none."""
        known = {one.name: one for one in fields(self)}
        converted = {}
        for name, value in values.items():
            if name not in known or known[name].metadata["fixed"]:
                raise ValueError(f"there is no setting {name!r} to change")
            convert = known[name].metadata["convert"]
            if name == "fault":
                converted[name] = [convert(one) for one in value]
            else:
                converted[name] = convert(value)
        for name, value in converted.items():
            setattr(self, name, value)

    def public(self):
        """All but the secrets."""
        secret = {"token", "app_secret", "verify_token"}
        values = {
            one.name: getattr(self, one.name)
            for one in fields(self)
            if one.name not in secret
        }
        return {**values, "fault": [fault_text(one) for one in self.fault]}


def argument_type(convert):
    """argparse hides a ValueError's text, so hand it on as its own error."""

    def converted(text):
        try:
            return convert(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from error

    return converted


def parse_arguments(arguments=None):
    """Settings from a list of command line arguments."""
    parser = argparse.ArgumentParser(
        prog="python -m sandbox",
        description="A local WhatsApp Cloud API.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    for one in fields(Settings):
        meta = one.metadata
        default = [] if one.name == "fault" else one.default
        if meta["convert"] is switch:
            more = {"action": argparse.BooleanOptionalAction}
        else:
            more = {"type": argument_type(meta["convert"]), **meta["argument"]}
        name = "--" + one.name.replace("_", "-")
        parser.add_argument(name, default=default, help=meta["help"], **more)
    return Settings(**vars(parser.parse_args(arguments)))
