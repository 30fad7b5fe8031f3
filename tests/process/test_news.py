"""What happens to a template or an account at the provider reaches people by itself."""

from tools.processes import wait_until
from tools.stage import phones


def template(stage, name="spring_offer"):
    [(id_, external_id)] = stage.query(
        "SELECT id, external_id FROM whatsapp_broadcast_template"
        " WHERE name = %s ORDER BY id LIMIT 1",
        name,
    )
    return id_, external_id


def told(stage, kind):
    """Return for each notice of a kind whether it was told."""
    return stage.query(
        "SELECT told_at IS NOT NULL FROM whatsapp_broadcast_notice WHERE kind = %s",
        kind,
    )


def test_a_template_that_is_paused_stops_its_broadcast_and_is_told_once(make_stage):
    stage = make_stage("--messages-per-second=5", "--duplicates=1")
    id_, external_id = template(stage)
    broadcast = stage.launch(stage.make_leads(phones(500)))
    stage.wait(broadcast, lambda stats: stats["accepted_count"])
    stage.control(f"template/{external_id}", status="PAUSED", reason="FIRST_PAUSE")

    def state():
        return stage.query(
            "SELECT state, state_reason FROM whatsapp_broadcast WHERE id = %s",
            broadcast,
        )

    assert wait_until(lambda: state() == [("paused", "template")], 30)
    assert wait_until(lambda: told(stage, "template_state") == [(True,)], 30)
    messages = stage.query(
        "SELECT message_type FROM mail_message WHERE res_id = %s"
        " AND model = 'whatsapp.broadcast.template' AND body LIKE '%%FIRST_PAUSE%%'"
        " ORDER BY message_type",
        id_,
    )
    assert messages == [("notification",), ("user_notification",)]


def test_where_webhooks_go_elsewhere_a_paused_template_is_read(make_stage):
    stage = make_stage()
    _id, external_id = template(stage)
    stage.control("settings", webhook="")  # what is told is told to nobody
    stage.control(f"template/{external_id}", status="PAUSED", reason="FIRST_PAUSE")
    stage.execute(
        "UPDATE whatsapp_broadcast_account SET checked_at = NULL, state = 'deaf'"
    )
    stage.run(
        "env.ref('whatsapp_broadcast.ir_cron_attend')._trigger(); env.cr.commit();"
        " result = None"
    )
    assert wait_until(lambda: told(stage, "template_state") == [(True,)], 60)
    assert stage.query("SELECT state FROM whatsapp_broadcast_account") == [("deaf",)]
