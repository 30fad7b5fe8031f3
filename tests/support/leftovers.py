"""What an addon could leave behind in a database."""

from contextlib import closing

from tools import postgres

#: Each row is told apart by all of its columns.
SNAPSHOT = {
    "tables, indexes and sequences": """
        SELECT relname, relkind FROM pg_class
        WHERE relnamespace = 'public'::regnamespace""",
    "columns": """
        SELECT table_name, column_name FROM information_schema.columns
        WHERE table_schema = 'public'""",
    "functions": """
        SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace""",
    "triggers": "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal",
    "constraints": "SELECT conname FROM pg_constraint",
    "external ids": "SELECT module, name, model FROM ir_model_data",
    "models": "SELECT model FROM ir_model",
    "fields": "SELECT model, name FROM ir_model_fields",
    # The web client's bundles are made and dropped as they are asked for.
    "attachments": """
        SELECT name, res_model, res_field FROM ir_attachment
        WHERE url IS NULL OR url NOT LIKE '/web/assets/%'""",
    "parameters": "SELECT key FROM ir_config_parameter",
    "scheduled actions": "SELECT cron_name FROM ir_cron",
    "server actions": "SELECT name::text FROM ir_act_server",
    "groups": "SELECT name::text FROM res_groups",
    "rules": "SELECT name FROM ir_rule",
    "menus": "SELECT name::text FROM ir_ui_menu",
    "messages": "SELECT model, res_id FROM mail_message",
    "followers": "SELECT res_model, res_id FROM mail_followers",
    "activities": "SELECT res_model, res_id FROM mail_activity",
}


def snapshot(database):
    """Return {kind: set of rows} of all that an addon could leave behind."""
    found = {}
    with closing(postgres.connect(database)) as connection:
        for kind, query in SNAPSHOT.items():
            with connection.cursor() as cursor:
                cursor.execute(query)
                found[kind] = set(cursor.fetchall())
    return found


def difference(more, less):
    """Return {kind: sorted rows} of what one snapshot has and another has not."""
    found = {kind: sorted(more[kind] - less[kind]) for kind in SNAPSHOT}
    return {kind: rows for kind, rows in found.items() if rows}
