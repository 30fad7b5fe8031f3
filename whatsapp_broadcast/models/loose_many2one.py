from odoo import fields


class LooseMany2one(fields.Many2one):
    """A many2one without a foreign key in the database.

    Each foreign key costs a lookup per inserted row (freezing a large audience was
    twice as fast with three keys as with nine), so tables that get a row a message
    keep a key only where others delete. Whatever it names must itself refuse to be
    deleted while such rows may exist, or delete them: the web client cannot read a
    dangling id.
    """

    def update_db_foreign_key(self, model, column):
        """Leave the column without a constraint."""
