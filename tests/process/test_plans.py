"""What is looked for with each pass of the engine is found by an index."""

from engine import queries

#: Many enough that to read the table through is worth avoiding.
PEOPLE = 20_000


def scanned(node):
    """Yield the tables that a plan reads through."""
    if node["Node Type"] == "Seq Scan":
        yield node["Relation Name"]
    for part in node.get("Plans", ()):
        yield from scanned(part)


def test_no_others_rows_are_read_to_settle_what_is_over(world):
    number = world.number()
    world.broadcast(number, PEOPLE)
    for state in ("done", "cancelled"):
        world.broadcast(number, 1, state=state)
    world.query(
        "UPDATE whatsapp_broadcast_recipient r SET state = 'read', due_at = NULL"
        " FROM whatsapp_broadcast b WHERE b.id = broadcast_id AND b.state <> 'sending'"
    )
    world.query("ANALYZE whatsapp_broadcast_recipient")
    for name in ("UNSETTLED", "CANCEL_REMAINING"):
        with world.transaction() as cr:
            explain = f"EXPLAIN (FORMAT JSON) {getattr(queries, name)}"
            cr.execute(explain, {"limit": 100})
            [(found,)] = cr.fetchall()
        tables = set(scanned(found[0]["Plan"]))
        assert "whatsapp_broadcast_recipient" not in tables, name
