"""How fast an audience becomes recipients."""

from __future__ import annotations

from collections.abc import Iterator

from .. import crowd
from ..crowd import Frozen
from ..peers import sms_twilio
from ..table import Peer, Row, at_least, at_most
from ..workbench import TEMPLATE, TEMPLATE_WITH_VARIABLES, Workbench

#: The bench has 25 minutes: fewer with variables, the rate is the same.
WITH_VARIABLES = 200_000
#: MiB by which a worker may grow in the last three quarters and still be called flat.
FLAT = 32

#: Runs in Odoo's shell: the second variable is read from the lead, too.
MAP_VARIABLES = """
template = env["whatsapp.broadcast.template"].search([("name", "=", {name!r})])
template.variable_ids.filtered(lambda one: one.name == "appointment_date").write(
    dict(value_type="field", lead_path="city"))
env.cr.commit()
"""


def rows(bench: Workbench) -> Iterator[Row]:
    """Yield the freeze of a million leads, and of fewer with two variables."""
    peer = bench.once(sms_twilio.freeze)
    peers = (Peer("Odoo mass_mailing_sms", peer["rate"]),)
    frozen = bench.once(million)
    yield Row(
        "freeze an audience without variables",
        frozen.rate,
        "recipients/s",
        at_least(50_000),
        peers,
        f"{frozen.count:,} leads in {frozen.seconds:.1f} s from the launch on;"
        f" the peer: {peer['count']:,} leads, {peer['statements']:.2f} statements each",
    )
    yield Row(
        "worker's memory while it freezes: growth after the first quarter",
        frozen.memory,
        "MiB",
        at_most(FLAT),
        note=f"largest cron worker, at most {frozen.peak:.0f} MiB resident",
        less_is_better=True,
    )
    frozen = _with_variables(bench)
    yield Row(
        "freeze an audience with two variables",
        frozen.rate,
        "recipients/s",
        at_least(10_000),
        peers,
        f"{frozen.count:,} leads in {frozen.seconds:.1f} s, name and city of each;"
        f" memory grew {frozen.memory:.0f} MiB to {frozen.peak:.0f} MiB",
    )


def million(bench: Workbench) -> Frozen:
    """Freeze every lead."""
    return crowd.freeze(bench.once(crowd.stage), crowd.size(bench), TEMPLATE)


def _with_variables(bench: Workbench) -> Frozen:
    stage = bench.once(crowd.stage)
    stage.run(MAP_VARIABLES, name=TEMPLATE_WITH_VARIABLES)
    count = bench.scaled(WITH_VARIABLES, least=1000)
    return crowd.freeze(stage, count, TEMPLATE_WITH_VARIABLES)
