"""The sandbox's ledger against the database."""


def taken(stage):
    """Messages that the sandbox accepted."""
    return sum(1 for message in stage.sandbox.messages() if message["message_id"])


def assert_nobody_lost_nobody_twice(stage):
    assert stage.compare_ledger() == {
        "lost": {},
        "duplicated": {},
        "unexpected": {},
    }


def expire_leases(stage):
    for table in ("recipient", "message", "lane"):
        stage.execute(
            f"UPDATE whatsapp_broadcast_{table} SET lease_until = now() AT TIME ZONE"
            " 'UTC' - interval '1 second' WHERE lease_until IS NOT NULL"
        )
