"""What the ORM does not clean up by itself."""

from .engine import queries


def uninstall_hook(env):
    """Drop the counter function; its triggers go with their table."""
    env.cr.execute(queries.DROP_COUNTER_TRIGGER)
    parameters = env["ir.config_parameter"].sudo()
    parameters.search([("key", "=like", "whatsapp_broadcast.%")]).unlink()
