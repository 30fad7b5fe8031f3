"""PostgreSQL's socket fits into the length that the system allows."""

from pathlib import Path

from tools import cluster, layout


def test_a_short_checkout_keeps_its_socket(monkeypatch):
    monkeypatch.setattr(layout, "STATE", Path("/srv/checkout/.odoo"))
    assert cluster.socket_folder() == Path("/srv/checkout/.odoo/socket")


def test_a_long_checkout_gets_a_short_folder_of_its_own(monkeypatch):
    monkeypatch.setattr(layout, "STATE", Path("/") / ("x" * 90) / ".odoo")
    folder = cluster.socket_folder()
    assert len(f"{folder}/.s.PGSQL.{cluster.PORT}") <= 107
    monkeypatch.setattr(layout, "CHECKOUT_ID", "another")
    assert cluster.socket_folder() != folder
