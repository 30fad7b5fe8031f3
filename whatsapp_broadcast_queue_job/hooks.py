"""What the ORM does not clean up by itself."""


def uninstall_hook(env):
    """Delete our jobs, which nobody could run any more; crons send from now on."""
    env["queue.job"].sudo().search(
        [
            ("model_name", "=", "whatsapp.broadcast.lane"),
            ("method_name", "=", "_job_send"),
        ]
    ).unlink()
