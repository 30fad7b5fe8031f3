"""PostgreSQL's socket fits into the length that the system allows."""

from pathlib import Path

from tools import cluster, layout


def test_a_short_checkout_keeps_its_socket(monkeypatch):
    monkeypatch.setattr(layout, "STATE", Path("/srv/checkout/.odoo"))
    assert cluster.MAIN.socket_folder == Path("/srv/checkout/.odoo/socket")


def test_a_long_checkout_gets_a_short_folder_of_its_own(monkeypatch):
    monkeypatch.setattr(layout, "STATE", Path("/") / ("x" * 90) / ".odoo")
    folder = cluster.MAIN.socket_folder
    assert len(f"{folder}/.s.PGSQL.{cluster.PORT}") <= 107
    monkeypatch.setattr(layout, "CHECKOUT_ID", "another")
    assert cluster.MAIN.socket_folder != folder


def test_the_cluster_of_the_faults_is_another_one():
    assert cluster.FAULTS.data != cluster.MAIN.data
    assert cluster.FAULTS.socket_folder != cluster.MAIN.socket_folder
