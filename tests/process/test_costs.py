"""The forecast against what the sandbox billed."""

import pytest

from tools.stage import phones

#: Price of a marketing message by country, high enough that a cent is nothing.
PRICES = {"US": 1.25, "FR": 4.5, "DE": 6.75, "BR": 3.0}
COUNTRY_OF_PREFIX = {"+1201": "US", "+3361": "FR", "+4915": "DE", "+5511": "BR"}
SET_PRICES = """
env["whatsapp.broadcast.rate"].search([]).active = False
usd = env.ref("base.USD")
env.company.currency_id = usd
for code, price in {prices}.items():
    env["whatsapp.broadcast.rate"].create({{
        "market_id": env.ref("whatsapp_broadcast.market_" + code.lower()).id
        if code != "US" else env.ref("whatsapp_broadcast.market_north_america").id,
        "category": "marketing", "price": price, "currency_id": usd.id,
        "valid_from": "2020-01-01",
    }})
env.cr.commit()
result = None
"""


def people_of_four_countries(first):
    """Return 1,040 phones in unequal shares; none ends in an error code."""
    tail = 500_000 + first
    return [
        *phones(600, first),
        *(f"+33612{tail + n}" for n in range(250)),
        *(f"+4915121{tail + n}" for n in range(120)),
        *(f"+5511987{tail + n}" for n in range(70)),
    ]


def billed(stage, before=()):
    """Return {(prefix, category): messages} that were charged since."""
    known = dict(before)
    bill = {
        (line["prefix"], line["category"]): line["messages"]
        for line in stage.control("bill")["lines"]
        if line["type"] == "regular"
    }
    return {key: count - known.get(key, 0) for key, count in bill.items()}


def test_the_forecast_is_what_the_sandbox_bills(make_stage):
    stage = make_stage("--delivered=0.9", "--read=0.5", "--messages-per-second=1000")
    stage.run(SET_PRICES, prices=PRICES)
    stage.execute("UPDATE whatsapp_broadcast_number SET messages_per_second = 400")

    # The first broadcast knows nothing of deliveries; the second has learned.
    run(stage, first=0)
    before = billed(stage)
    costs = run(stage, first=1000)

    charges = billed(stage, before)
    expected = sum(
        PRICES[COUNTRY_OF_PREFIX[prefix]] * count
        for (prefix, _category), count in charges.items()
    )
    assert {category for _prefix, category in charges} == {"marketing"}
    assert costs["charged_count"] == sum(charges.values()) > 900
    assert costs["unpriced_count"] == costs["free_count"] == 0
    assert costs["billed"] == pytest.approx(expected, abs=0.01)
    assert costs["forecast"] == pytest.approx(expected, rel=0.02)


def run(stage, first):
    """Review, launch and settle a broadcast; return its costs."""
    broadcast = stage.broadcast(stage.make_leads(people_of_four_countries(first)))
    opened = stage.call("whatsapp.broadcast", "action_open_launch", broadcast)
    stage.call("whatsapp.broadcast.launch", "action_launch", opened["res_id"])
    stage.wait_settled(broadcast, seconds=180)
    return stage.call("whatsapp.broadcast", "get_costs", broadcast)
