"""Leads in any number, made by PostgreSQL."""

from contextlib import closing

from tools import postgres
from tools.stage import Stage

#: German mobile numbers. Their last six digits begin at 200000, so that none of them
#: names an error code of the sandbox.
PHONE = "'+49151' || (10 + n / 800000) || (200000 + n %% 800000)"
OWN = ("id", "name", "contact_name", "phone", "phone_sanitized", "city")

MULTIPLY = """
INSERT INTO crm_lead (name, contact_name, phone, phone_sanitized, city, {columns})
SELECT 'Lead ' || n, 'Person ' || n, {phone}, {phone}, 'City ' || n %% 1000, {columns}
FROM generate_series(1, %(count)s) AS n,
    (SELECT {columns} FROM crm_lead WHERE id = %(lead_id)s) AS pattern
"""


def make(stage: Stage, count: int) -> None:
    """Make ``count`` leads of the stage's salesperson, each with a phone of its own."""
    [lead_id] = stage.make_leads(["+12015550100"])
    multiply(stage.database, lead_id, count)


def multiply(database: str, lead_id: int, count: int) -> None:
    """Replace the lead by ``count`` that differ from it in name, city and phone."""
    with closing(postgres.connect(database)) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT column_name FROM information_schema.columns"
                " WHERE table_name = 'crm_lead' AND column_name <> ALL(%s)",
                [list(OWN)],
            )
            columns = ", ".join(name for (name,) in cursor.fetchall())
            statement = MULTIPLY.format(columns=columns, phone=PHONE)
            cursor.execute(statement, {"count": count, "lead_id": lead_id})
            cursor.execute("DELETE FROM crm_lead WHERE id = %s", [lead_id])
            cursor.execute("VACUUM ANALYZE crm_lead")
