"""The upper end of an audience is one of each model now, not of one."""


def migrate(cr, version):
    """Keep what was fixed when broadcasts were launched."""
    cr.execute(
        """
        UPDATE whatsapp_broadcast
        SET audience_bounds = jsonb_build_object(audience_model, audience_bound)
        WHERE audience_bound > 0 AND audience_bounds IS NULL
        """
    )
    cr.execute("ALTER TABLE whatsapp_broadcast DROP COLUMN audience_bound")
