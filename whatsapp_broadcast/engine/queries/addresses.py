"""One key for every form in which a phone is written; see ``engine.addresses``."""

#: Plain SQL, so that the planner puts their bodies where they are called.
CREATE_ADDRESS_FUNCTIONS = r"""
CREATE OR REPLACE FUNCTION whatsapp_broadcast_key(address text) RETURNS text AS $$
    SELECT CASE left(address, 3)
        WHEN '+55' THEN regexp_replace(
            address, '^\+55([1-9]\d)([6-9]\d{7})$', '+55\19\2')
        WHEN '+54' THEN regexp_replace(address, '^\+54([1-8]\d{9})$', '+549\1')
        WHEN '+52' THEN regexp_replace(address, '^\+521(\d{10})$', '+52\1')
        ELSE address
    END
$$ LANGUAGE sql IMMUTABLE PARALLEL SAFE;

CREATE OR REPLACE FUNCTION whatsapp_broadcast_forms(address text) RETURNS text[] AS $$
    SELECT CASE left(address, 3)
        WHEN '+55' THEN ARRAY[address, whatsapp_broadcast_key(address), regexp_replace(
            address, '^\+55([1-9]\d)9([6-9]\d{7})$', '+55\1\2')]
        WHEN '+54' THEN ARRAY[address, whatsapp_broadcast_key(address),
            regexp_replace(address, '^\+549([1-8]\d{9})$', '+54\1')]
        WHEN '+52' THEN ARRAY[address, whatsapp_broadcast_key(address),
            regexp_replace(address, '^\+52([2-9]\d{9})$', '+521\1')]
        ELSE ARRAY[address]
    END
$$ LANGUAGE sql IMMUTABLE PARALLEL SAFE;
"""

DROP_ADDRESS_FUNCTIONS = """
DROP FUNCTION IF EXISTS whatsapp_broadcast_forms(text);
DROP FUNCTION IF EXISTS whatsapp_broadcast_key(text);
"""


def key(address):
    """Return an expression: what an E.164 phone is compared by; a user id as it is."""
    return f"whatsapp_broadcast_key({address})"


def forms(address):
    """Return an expression: an array of all forms of an address."""
    return f"whatsapp_broadcast_forms({address})"


def has_forms(address):
    """Return a condition: an address may have several forms. Cheaper than them."""
    return f"left({address}, 3) IN ('+55', '+54', '+52')"
