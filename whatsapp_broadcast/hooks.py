"""What the ORM does not clean up by itself."""

from .engine import queries


def uninstall_hook(env):
    """Drop what belongs to no record of ours; triggers go with their table."""
    env.cr.execute(queries.DROP_COUNTER_TRIGGER)
    env.cr.execute(queries.DROP_ADDRESS_FUNCTIONS)
    # Our index on a column of Odoo's.
    env.cr.execute("DROP INDEX IF EXISTS res_partner__phone_sanitized_index")
    parameters = env["ir.config_parameter"].sudo()
    parameters.search([("key", "=like", "whatsapp_broadcast.%")]).unlink()
    _forget_external_ids(env)


def _forget_external_ids(env):
    """Delete ids under which Odoo's own modules, such as mail, know our models."""
    for prefix in ("model_inherit__", "selection__"):
        env["ir.model.data"].sudo().search(
            [
                ("module", "!=", "whatsapp_broadcast"),
                ("name", "=like", f"{prefix}whatsapp_broadcast%"),
            ]
        ).unlink()
