"""The country of a phone number."""

FILL_PREFIXES = """
INSERT INTO whatsapp_broadcast_prefix AS known (prefix, country_code)
SELECT * FROM unnest(%(prefixes)s::text[], %(codes)s::text[])
ON CONFLICT (prefix) DO UPDATE SET country_code = EXCLUDED.country_code
WHERE known.country_code <> EXCLUDED.country_code
"""


def country(phone):
    """Return an expression: the ISO code of the country of an E.164 number."""
    return f"""(
        SELECT prefix.country_code FROM whatsapp_broadcast_prefix prefix
        WHERE prefix.prefix = left({phone}, 5)
    )"""
