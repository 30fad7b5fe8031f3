"""What the items of one of Meta's webhooks share: where they come from, and people."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from .tolerant import identifier, mapping, mappings, moment, phone, text


class Origin(NamedTuple):
    """Where one change comes from: the fields that every event has."""

    business_account_id: str
    number_id: str
    at: datetime | None

    @classmethod
    def of(cls, entry: dict, value: dict) -> Origin:
        number = mapping(value.get("metadata")).get("phone_number_id")
        return cls(
            identifier(entry.get("id")), identifier(number), moment(entry.get("time"))
        )

    def when(self, value: object) -> dict:
        """Return the common fields, with an item's own time if it has one."""
        return self._asdict() | {"at": moment(value) or self.at}


class Person(NamedTuple):
    """Somebody by all that is told of them; each may be ""."""

    phone: str = ""
    user_ref: str = ""
    parent_ref: str = ""
    name: str = ""

    @classmethod
    def of(cls, item: dict, key: str) -> Person:
        """Return who is named by ``from``, ``from_user_id`` … (key ``from``)."""
        address = phone(item.get(key))
        return cls(
            address,
            # What is no phone names somebody all the same.
            identifier(item.get(f"{key}_user_id"))
            or ("" if address else identifier(item.get(key))),
            identifier(item.get(f"{key}_parent_user_id")),
        )

    @classmethod
    def named(cls, item: dict) -> Person:
        """Return who is named by ``wa_id``, ``user_id`` and ``parent_user_id``."""
        return cls(
            phone(item.get("wa_id")),
            identifier(item.get("user_id")),
            identifier(item.get("parent_user_id")),
            text(mapping(item.get("profile")).get("name")),
        )

    @property
    def keys(self) -> list[str]:
        """The addresses by which a person can be found."""
        return [key for key in self[:3] if key]

    def or_else(self, other: Person) -> Person:
        """Return this person with what is only told of the other."""
        return Person(
            self.phone or other.phone,
            self.user_ref or other.user_ref,
            self.parent_ref or other.parent_ref,
            self.name or other.name,
        )

    @property
    def address(self) -> dict:
        """The fields of an event about this person."""
        return {
            "phone": self.phone,
            "user_ref": self.user_ref,
            "parent_ref": self.parent_ref,
        }


class Contacts:
    """The people of a change. Their order need not match that of its items."""

    def __init__(self, value: dict, items: int):
        """:param items: how many there are; of a single one we know whose it is"""
        people = [Person.named(item) for item in mappings(value.get("contacts"))]
        self._by_key = {key: person for person in people for key in person.keys}
        self._only = people[0] if len(people) == items == 1 else Person()

    def complete(self, person: Person) -> Person:
        """Return a person with what ``contacts`` tells in addition."""
        keys = person.keys
        for key in keys:
            if key in self._by_key:
                return person.or_else(self._by_key[key])
        return person if keys else self._only
