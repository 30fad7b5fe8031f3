"""Whom an event is for: a delivery may hold those of several accounts and numbers."""

from typing import NamedTuple

from . import queries


class Routed(NamedTuple):
    """An event and where it may act; with no account it changes nothing."""

    delivery_id: int
    event: object  #: of a provider
    account_id: int | None
    number_id: int | None


class Routes:
    """The accounts and numbers that may speak through some doors."""

    def __init__(self, cr, doors):
        """:param doors: ids of the accounts whose addresses were called"""
        self.doors, self.numbers, self.accounts = set(), {}, {}
        cr.execute(queries.ROUTES, {"account_ids": sorted(doors)})
        for door, account, business_account_id, number, external_id in cr.fetchall():
            self.doors.add(door)
            self.accounts[door, business_account_id] = account
            if external_id:
                self.numbers[door, external_id] = (account, number)

    def find(self, door, event):
        """Return (account id, number id); either may be None."""
        if event.number_id:
            return self.numbers.get((door, event.number_id), (None, None))
        return self.accounts.get((door, event.business_account_id)), None
