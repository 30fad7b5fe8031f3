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


def test_nothing_is_read_through_for_what_is_unsettled(world):
    number = world.number()
    world.broadcast(number, PEOPLE)
    done = world.broadcast(number, 1, state="done")
    settle = "UPDATE whatsapp_broadcast_recipient SET state = 'read', due_at = NULL"
    world.query(f"{settle} WHERE broadcast_id = %s", done)
    world.query("ANALYZE whatsapp_broadcast_recipient")
    for name in ("UNSETTLED", "REOPEN"):
        [(found,)] = world.query(f"EXPLAIN (FORMAT JSON) {getattr(queries, name)}")
        tables = set(scanned(found[0]["Plan"]))
        assert "whatsapp_broadcast_recipient" not in tables, name
