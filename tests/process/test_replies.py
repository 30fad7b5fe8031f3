"""What people write comes to the lead that it answers, with its file, by real crons."""

import hashlib

from tools import layout
from tools.processes import wait_until

NUMBER = "200000000000001"
PERSON = "+12015550155"


def test_a_picture_comes_to_the_lead_and_the_salesperson(make_stage):
    stage = make_stage("--delivered=1")
    leads = stage.make_leads([PERSON])
    assert stage.wait_settled(stage.launch(leads))["delivered_count"] == 1
    stage.control(
        "inbound",
        phone_number_id=NUMBER,
        type="image",
        **{"from": PERSON.lstrip("+")},
    )
    assert wait_until(lambda: stored(stage), 60)
    [(lead, sha256, file_sha1, content)] = stored(stage)
    assert lead == leads[0]
    [(note,)] = stage.query(
        "SELECT count(*) FROM mail_notification n JOIN mail_message m"
        " ON m.id = n.mail_message_id WHERE m.model = 'crm.lead' AND m.res_id = %s",
        lead,
    )
    assert note == 1
    path = layout.DATA / "filestore" / stage.database / content
    data = path.read_bytes()
    assert hashlib.sha1(data).hexdigest() == file_sha1
    assert hashlib.sha256(data).hexdigest() == sha256


def stored(stage):
    return stage.query(
        "SELECT a.res_id, m.media_sha256, a.checksum, a.store_fname"
        " FROM whatsapp_broadcast_message m"
        " JOIN ir_attachment a ON a.id = m.attachment_id"
        " WHERE m.media_state = 'stored' AND a.res_model = 'crm.lead'"
    )
