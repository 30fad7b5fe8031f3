"""Find or make the person of each event, by any of the names that it gives.

A person is a contact of one number; his names (phones by their key, user ids) are its
aliases. One event that gives two names is what links them.
"""

from dataclasses import dataclass, field
from datetime import datetime

from . import queries
from .addresses import canonical


@dataclass
class Encounter:
    """Somebody who turned up at a number, by at least one name.

    ``at``: when he wrote, None if that opens no service window. ``former_*``: names
    that he has no longer.
    """

    account_id: int
    number_id: int
    phone: str = ""
    user_ref: str = ""
    parent_ref: str = ""
    name: str = ""
    at: datetime | None = None
    former_phone: str = ""
    former_user_ref: str = ""
    contact_id: int | None = field(default=None, init=False)

    @property
    def names(self):
        """Return names that he has, the surest first."""
        found = (self.phone and canonical(self.phone), self.user_ref, self.parent_ref)
        return [name for name in found if name]

    @property
    def former_names(self):
        """Return names that he had."""
        found = (
            self.former_phone and canonical(self.former_phone),
            self.former_user_ref,
        )
        return [name for name in found if name and name not in self.names]


def meet(cr, encounters):
    """Set ``contact_id`` of each encounter; make contacts, learn names.

    The caller holds LOCK_PEOPLE.
    """
    if not encounters:
        return
    _remember_phones(cr, encounters)
    book = _Book(cr, encounters)
    for encounter in encounters:
        encounter.contact_id = book.find(encounter)
    book.put(cr, encounters)


def _remember_phones(cr, encounters):
    """Give people that are named by user id only the phone that a send went to."""
    nameless = [e for e in encounters if not e.phone and e.user_ref]
    if not nameless:
        return
    values = {
        "account_ids": [e.account_id for e in nameless],
        "user_refs": [e.user_ref for e in nameless],
    }
    cr.execute(queries.PHONES, values)
    phones = {(account, user): phone for account, user, phone in cr.fetchall()}
    for encounter in nameless:
        key = encounter.account_id, encounter.user_ref
        encounter.phone = phones.get(key, "")


class _Book:
    """The aliases that some encounters touch, and what changes in them."""

    def __init__(self, cr, encounters):
        keys = {
            (e.number_id, name) for e in encounters for name in e.names + e.former_names
        }
        number_ids, addresses = map(list, zip(*keys, strict=True))
        values = {"number_ids": number_ids, "addresses": addresses}
        cr.execute(queries.FIND_ALIASES, values)
        found = cr.fetchall()
        #: (number id, address) → contact id
        self.owners = {row[:2]: row[2] for row in found}
        self.former = {row[:2] for row in found if row[3]}
        cr.execute(queries.FIND_CONTACTS, {"ids": list({row[2] for row in found})})
        self.with_phone = {id_ for id_, phone, _user_ref in cr.fetchall() if phone}
        cr.execute(queries.NEW_CONTACT_IDS, {"count": len(encounters)})
        self.unused = [id_ for (id_,) in cr.fetchall()]
        self.changed = set()
        self.joined = {}

    def find(self, encounter):
        """Return the id of the encounter's contact, known or new."""
        number, names = encounter.number_id, encounter.names
        owner = self._former_owner(encounter) or self._owner(encounter)
        contact = owner or self.unused.pop()
        for name in names:
            self._learn(number, name, contact)
        for name in encounter.former_names:
            self._learn(number, name, contact, is_former=True)
        if encounter.phone:
            self.with_phone.add(contact)
        return contact

    def _owner(self, encounter):
        """Return whom the surest known name belongs to.

        A phone that its owner gave up is somebody else's, whoever writes from it.
        """
        for name in encounter.names:
            key = encounter.number_id, name
            if key in self.owners and key not in self.former:
                return self._current(self.owners[key])
        return None

    def _former_owner(self, encounter):
        """Return who had the names that this person has no longer."""
        for name in encounter.former_names:
            if owner := self.owners.get((encounter.number_id, name)):
                return self._current(owner)
        return None

    def _current(self, contact):
        while contact in self.joined:
            contact = self.joined[contact]
        return contact

    def _learn(self, number, name, contact, is_former=False):
        key = number, name
        owner = self._current(self.owners[key]) if key in self.owners else None
        if owner == contact and (key in self.former) == is_former:
            return
        if owner not in (None, contact) and key not in self.former:
            self._meet_other(owner, contact)
        self.owners[key] = contact
        self.former.discard(key)
        if is_former:
            self.former.add(key)
        self.changed.add(key)

    def _meet_other(self, owner, contact):
        """Two that share a name are one, unless each has a phone of his own."""
        if not {owner, contact} <= self.with_phone:
            self.joined[owner] = contact

    def put(self, cr, encounters):
        """Write contacts and names; what they chose holds by each of their names."""
        for encounter in encounters:
            encounter.contact_id = self._current(encounter.contact_id)
        self._put_contacts(cr, encounters)
        if self.changed:
            self._put_aliases(cr)
        if self.joined:
            gone = list(self.joined)
            kept = [self._current(id_) for id_ in gone]
            cr.execute(queries.JOIN_CONTACTS, {"gone_ids": gone, "kept_ids": kept})
            cr.execute(queries.DELETE_CONTACTS, {"ids": gone})
        if self.changed:
            ids = sorted({self._current(self.owners[key]) for key in self.changed})
            cr.execute(queries.SPREAD_CHOICES, {"contact_ids": ids})

    def _put_contacts(self, cr, encounters):
        columns = [
            (e.contact_id, e.account_id, e.number_id, e.phone, e.user_ref, e.name, e.at)
            for e in encounters
        ]
        names = (
            "ids", "account_ids", "number_ids", "phones", "user_refs", "names", "times",
        )  # fmt: skip
        values = dict(zip(names, map(list, zip(*columns, strict=True)), strict=True))
        cr.execute(queries.PUT_CONTACTS, values)

    def _put_aliases(self, cr):
        changed = sorted(self.changed)
        cr.execute(
            queries.PUT_ALIASES,
            {
                "number_ids": [number for number, _address in changed],
                "addresses": [address for _number, address in changed],
                "contact_ids": [self._current(self.owners[key]) for key in changed],
                "are_former": [key in self.former for key in changed],
            },
        )
