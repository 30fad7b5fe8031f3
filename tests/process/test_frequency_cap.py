"""How much marketing a person gets, whoever claims from which number."""

from datetime import timedelta


def reasons(world, broadcast):
    """Return {reason: how many were left out of a broadcast for it}."""
    rows = world.query(
        "SELECT skip_reason, count(*) FROM whatsapp_broadcast_recipient"
        " WHERE broadcast_id = %s AND state = 'skipped' GROUP BY 1",
        broadcast,
    )
    return dict(rows)


def test_nobody_gets_more_marketing_than_the_cap(world):
    world.cap(1)
    numbers = world.number(), world.number()
    people = ["+12015551000", "+5511987654321"]
    twins = ["+12015551000", "+551187654321"]  # the Brazilian by his other form
    first, second = (
        world.broadcast(number, phones_)
        for number, phones_ in zip(numbers, (people, twins), strict=True)
    )
    jobs = world.claim(world.lane(numbers[0]))
    assert len(jobs) == 2
    assert world.claim(world.lane(numbers[1])) == []  # in flight counts, too
    assert reasons(world, second) == {"frequency_cap": 2}

    world.write(jobs, outcome="accepted")
    third = world.broadcast(numbers[1], people)
    assert world.claim(world.lane(numbers[1])) == []
    assert reasons(world, third) == {"frequency_cap": 2}
    world.query(
        "UPDATE whatsapp_broadcast_recipient SET accepted_at = accepted_at - %s"
        " WHERE broadcast_id = %s",
        timedelta(hours=25),
        first,
    )
    world.broadcast(numbers[1], people)
    assert len(world.claim(world.lane(numbers[1]))) == 2

    utility = world.template(world.account(), category="utility")
    world.broadcast(numbers[0], people, template=utility, launched_category="utility")
    assert len(world.claim(world.lane(numbers[0]))) == 2


def test_what_was_refused_counts_for_no_cap(world):
    world.cap(1)
    number = world.number()
    world.broadcast(number, 1)
    jobs = world.claim(world.lane(number))
    world.write(jobs, outcome="refused", error_class="recipient", error_code="131026")
    world.broadcast(number, 1)
    assert len(world.claim(world.lane(number))) == 1
