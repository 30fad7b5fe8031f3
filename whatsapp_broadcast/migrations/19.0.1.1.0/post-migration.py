def migrate(cr, version):
    """Count what failed before failures were counted by class.

    Without it a failed row that is sent again would be taken off a count it is not in.
    """
    cr.execute(
        """
        INSERT INTO whatsapp_broadcast_counter (broadcast_id, name, delta)
        SELECT broadcast_id, 'failed:' || error_class, count(*)
        FROM whatsapp_broadcast_recipient
        WHERE state = 'failed' AND error_class IS NOT NULL
        GROUP BY 1, 2
        """
    )
