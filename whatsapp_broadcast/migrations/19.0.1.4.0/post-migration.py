"""Links in texts are tracked unless a broadcast says otherwise."""


def migrate(cr, version):
    """Let what was launched before go out as it was seen."""
    cr.execute(
        "UPDATE whatsapp_broadcast SET track_links = FALSE WHERE state <> 'draft'"
    )
