import random
from collections import Counter

from odoo.exceptions import UserError
from odoo.tests import tagged

from ..engine import queries
from ..models.whatsapp_broadcast_outgoing import STATES
from ..models.whatsapp_broadcast_stats import FUNNEL, PRESENT
from .common import BroadcastCommon, phone

NAMES = [name for name, _label in STATES]


@tagged("post_install", "-at_install")
class TestCounters(BroadcastCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.broadcast = cls.make_broadcast(cls.make_leads(1))
        cls.other = cls.make_broadcast(cls.make_leads(1))

    def insert(self, count, **values):
        rows = self.env["whatsapp.broadcast.recipient"].create(
            [
                {"broadcast_id": self.broadcast.id, "phone": phone(n), **values}
                for n in range(count)
            ]
        )
        self.env.flush_all()
        return rows

    def recount(self, broadcast):
        """Return what a GROUP BY says, computed otherwise than the counters."""
        self.env.flush_all()
        self.env.cr.execute(
            "SELECT state, replied_at IS NOT NULL, clicked_at IS NOT NULL,"
            " COALESCE(country_guessed, FALSE) AND state <> 'skipped'"
            " FROM whatsapp_broadcast_recipient WHERE broadcast_id = %s",
            [broadcast.id],
        )
        rows = self.env.cr.fetchall()
        states = Counter(state for state, *_others in rows)
        counters = {f"{name}_count": states[name] for name in PRESENT}
        for position, name in enumerate(FUNNEL):
            reached = sum(states[later] for later in FUNNEL[position:])
            counters[f"{name}_count"] = reached
        for position, name in enumerate(("replied", "clicked", "country_guessed"), 1):
            counters[f"{name}_count"] = sum(row[position] for row in rows)
        counters["won_count"] = 0  # counted as leads change, not by rows
        counters["recipient_count"] = len(rows)
        return counters

    def assert_exact(self):
        for broadcast in (self.broadcast, self.other):
            stats = broadcast.get_stats()
            self.assertEqual(stats, self.recount(broadcast))
            self.assertEqual(
                stats["recipient_count"],
                sum(
                    stats[f"{name}_count"]
                    for name in (
                        "queued sending held accepted failed skipped cancelled unknown"
                    ).split()
                ),
            )
            broadcast.invalidate_recordset()
            for name, value in stats.items():
                self.assertEqual(broadcast[name], value, name)

    def test_empty(self):
        self.assert_exact()
        self.assertEqual(self.broadcast.get_stats()["recipient_count"], 0)
        self.assertEqual(self.broadcast.progress, 0)

    def test_insert_update_delete(self):
        rows = self.insert(4)
        self.assert_exact()
        rows[:2].state = "read"
        rows[2].write({"state": "failed", "replied_at": "2026-01-01"})
        self.assert_exact()
        self.assertEqual(self.broadcast.get_stats()["delivered_count"], 2)
        rows[1:3].unlink()
        self.assert_exact()
        self.assertEqual(self.broadcast.get_stats()["replied_count"], 0)

    def test_progress(self):
        rows = self.insert(5)
        self.settle(rows[0], "skipped")
        self.assertEqual(self.broadcast.reachable_count, 4)
        self.settle(rows[1], "read")
        self.settle(rows[2], "sending")
        self.settle(rows[3], "unknown")
        self.assertEqual(self.broadcast.progress, 50.0)

    def test_country_guessed_counts_whom_it_concerns(self):
        rows = self.insert(3, country_guessed=True)
        self.assert_exact()
        self.settle(rows[0], "skipped", skip_reason="variable_missing")
        self.assert_exact()
        self.assertEqual(self.broadcast.get_stats()["country_guessed_count"], 2)

    def test_any_sequence_of_changes(self):
        seed = 4711
        chance = random.Random(seed)
        rows = self.insert(30, country_guessed=True)
        rows += self.env["whatsapp.broadcast.recipient"].create(
            [{"broadcast_id": self.other.id, "phone": phone(n)} for n in range(10)]
        )
        steps = [
            self.change_by_orm,
            self.change_by_sql,
            self.change_all_by_sql,
            self.delete_some,
            self.reply,
            self.fold,
        ]
        for _round in range(60):
            rows = rows.exists()
            some = rows.browse(
                chance.sample(rows.ids, min(len(rows), chance.randint(1, 8)))
            )
            chance.choice(steps)(some, chance)
            self.assert_exact()
        self.assertTrue(rows.exists())

    def change_by_orm(self, rows, chance):
        for row in rows:
            row.state = chance.choice(NAMES)

    def change_by_sql(self, rows, chance):
        self.settle(rows, chance.choice(NAMES))

    def change_all_by_sql(self, _rows, chance):
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE whatsapp_broadcast_recipient SET state = %s WHERE state = %s",
            [chance.choice(NAMES), chance.choice(NAMES)],
        )
        self.env.invalidate_all()

    def delete_some(self, rows, _chance):
        rows[:1].unlink()

    def reply(self, rows, chance):
        rows.replied_at = chance.choice([False, "2026-01-01"])

    def fold(self, _rows, _chance):
        self.env.flush_all()
        self.env.cr.execute(queries.FOLD_COUNTERS)

    def deltas(self):
        self.env.cr.execute(
            "SELECT count(*) FROM whatsapp_broadcast_counter WHERE broadcast_id = %s",
            [self.broadcast.id],
        )
        return self.env.cr.fetchone()[0]

    def test_folding_keeps_sums(self):
        row = self.insert(1)
        for number in range(70):
            self.settle(row, NAMES[number % len(NAMES)])
        before, stats = self.deltas(), self.broadcast.get_stats()
        self.assertGreater(before, 64)
        self.fold(None, None)
        self.assertLessEqual(self.deltas(), len(NAMES))
        self.assertEqual(self.broadcast.get_stats(), stats)
        self.assert_exact()

    def test_few_deltas_are_left_alone(self):
        self.insert(1)
        before = self.deltas()
        self.fold(None, None)
        self.assertEqual(self.deltas(), before)

    def test_deleting_a_draft_with_recipients(self):
        self.broadcast.action_review()
        self.assertTrue(self.broadcast.recipient_ids)
        broadcast_id = self.broadcast.id
        self.broadcast.unlink()
        self.env.flush_all()
        for table in ("recipient", "counter"):
            with self.subTest(table=table):
                self.env.cr.execute(
                    f"SELECT count(*) FROM whatsapp_broadcast_{table}"
                    " WHERE broadcast_id = %s",
                    [broadcast_id],
                )
                self.assertEqual(self.env.cr.fetchone()[0], 0)

    def test_review_again_and_again(self):
        for _time in range(3):
            self.broadcast.action_review()
            self.assert_exact()
        self.assertEqual(self.broadcast.get_stats()["queued_count"], 1)

    def test_of_several_at_once(self):
        self.insert(3)
        both = self.broadcast + self.other
        both.invalidate_recordset()
        self.assertEqual(both.mapped("recipient_count"), [3, 0])

    def test_of_a_new_one(self):
        new = self.env["whatsapp.broadcast"].new({})
        self.assertEqual(new.recipient_count, 0)
        self.assertEqual(new.progress, 0)

    def test_of_one(self):
        for broadcasts in (self.broadcast + self.other, self.broadcast.browse()):
            with self.assertRaisesRegex(UserError, "of one broadcast"):
                broadcasts.get_stats()

    def test_deletion_is_for_drafts(self):
        for state in ("preparing", "sending", "paused", "done", "cancelled", "failed"):
            self.broadcast._write_protected({"state": state})
            with self.subTest(state=state), self.assertRaises(UserError):
                self.broadcast.unlink()
