"""Databases of this checkout, in its own cluster or in the one that PGHOST names."""

import os
from collections.abc import Iterator
from contextlib import closing, contextmanager

import psycopg2
from psycopg2 import sql

from . import cluster, layout
from .console import Problem


def is_external() -> bool:
    """Tell whether a PostgreSQL that is already there is to be used."""
    return bool(os.environ.get("PGHOST"))


def ensure() -> None:
    """Have a PostgreSQL that runs, and check that its user can make databases."""
    if is_external():
        _check_external()
    else:
        cluster.MAIN.ensure()


def environment() -> dict[str, str]:
    """Return libpq's environment variables for the PostgreSQL in use."""
    if is_external():
        return {}
    return cluster.MAIN.environment


def database_name(purpose: str) -> str:
    """Return the database for a purpose; on a shared server it names the checkout."""
    return f"wb_{layout.CHECKOUT_ID}_{purpose}" if is_external() else purpose


def connect(database: str):
    """Return a new psycopg2 connection to a database."""
    names = {"PGHOST": "host", "PGPORT": "port", "PGUSER": "user"}
    options = {names[key]: value for key, value in environment().items()}
    return psycopg2.connect(dbname=database, **options)


@contextmanager
def admin() -> Iterator:
    """Yield a cursor, in autocommit, for statements about databases."""
    with closing(connect("postgres")) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            yield cursor


def databases() -> list[str]:
    """Return the names of the databases of this checkout."""
    with admin() as cursor:
        cursor.execute(
            "SELECT datname FROM pg_database"
            " WHERE NOT datistemplate AND datname <> 'postgres'"
        )
        names = [name for (name,) in cursor.fetchall()]
    return [name for name in names if name.startswith(database_name(""))]


def drop(database: str) -> None:
    """Drop a database, ending its connections; does nothing if it is not there."""
    _about("DROP DATABASE IF EXISTS {} WITH (FORCE)", sql.Identifier(database))


def copy(source: str, target: str) -> None:
    """Create a database as a copy of another, which nobody may be using."""
    identifiers = sql.Identifier(target), sql.Identifier(source)
    _about("CREATE DATABASE {} TEMPLATE {}", *identifiers)


def set_comment(database: str, text: str) -> None:
    """Set the comment on a database."""
    _about("COMMENT ON DATABASE {} IS {}", sql.Identifier(database), sql.Literal(text))


def comment(database: str) -> str | None:
    """Return the comment on a database; None without one or without a database."""
    with admin() as cursor:
        cursor.execute(
            "SELECT shobj_description(oid, 'pg_database') FROM pg_database"
            " WHERE datname = %s",
            [database],
        )
        row = cursor.fetchone()
    return row and row[0]


def _about(statement: str, *parts: sql.Composable) -> None:
    with admin() as cursor:
        cursor.execute(sql.SQL(statement).format(*parts))


def _check_external() -> None:
    try:
        with admin() as cursor:
            cursor.execute(
                "SELECT rolname, rolcreatedb OR rolsuper FROM pg_roles"
                " WHERE rolname = current_user"
            )
            user, may_create = cursor.fetchone()
    except psycopg2.OperationalError as error:
        reason = str(error).strip().splitlines()[0]
        raise Problem(f"The PostgreSQL of PGHOST does not answer: {reason}") from error
    if user == "postgres":
        raise Problem("Odoo refuses the user postgres: set PGUSER to another one.")
    if not may_create:
        raise Problem(f"PostgreSQL: the user {user} needs ALTER ROLE {user} CREATEDB")
