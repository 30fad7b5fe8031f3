# One concern, one file: the broadcast in one file would be too long to read.
# pylint: disable=consider-merging-classes-inherited

from collections import Counter
from typing import NamedTuple

from odoo import models
from odoo.tools import SQL

from .. import engine
from ..engine import queries

#: Records whose figures are counted while a person chooses; of more, as many are looked
#: at, chosen by their phones, so that those with one phone are in or out together.
SAMPLE = 50_000


class Figures(NamedTuple):
    """What an audience comes to.

    ``found`` records; ``left_out``: {reason: records}; ``reachable``: {(ISO code of the
    country or None, whether the person wrote within 24 hours): people}; ``guessed``:
    reachable people whose number names no country; ``is_estimate``: counted on a
    sample.
    """

    found: int
    left_out: dict
    reachable: dict
    guessed: int
    is_estimate: bool


class WhatsappBroadcast(models.Model):
    """How many an audience is, before anybody is written down as a recipient."""

    _inherit = "whatsapp.broadcast"

    def get_audience_figures(self, changes=None):
        """Count whom a draft finds, reaches and leaves out, as the present user.

        Nothing is stored. More than 50,000 records are estimated by a sample.

        :param dict changes: values of the audience's fields that are not saved yet; of
            no record: all values of one that is to be made
        :return: ``found reachable left_out_count is_estimate country_guessed``,
            ``left_out`` [{reason, label, count}], most first, ``daily_limit`` of people
            (0: none known) and ``days`` that it takes by that limit
        :rtype: dict
        :raise UserError: if the filter cannot be read
        """
        self.check_access("write" if self else "create")
        draft = self._previewed(changes)
        figures = draft._figures()
        reachable = sum(figures.reachable.values())
        return {
            "found": figures.found,
            "reachable": reachable,
            "left_out_count": figures.found - reachable,
            "left_out": self._labelled(figures.left_out),
            "country_guessed": figures.guessed,
            "is_estimate": figures.is_estimate,
            "daily_limit": draft.number_id.sudo().daily_limit,
            "days": draft._days_for(reachable),
        }

    def _days_for(self, people):
        """Return the days that the limit of people a day spreads ``people`` over."""
        self.env["whatsapp.broadcast.account"].flush_model()
        self.env["whatsapp.broadcast.number"].flush_model()
        return engine.days(self.env.cr, self.number_id.id, people)

    def _labelled(self, left_out):
        reasons = self.env["whatsapp.broadcast.recipient"]._fields["skip_reason"]
        labels = dict(reasons._description_selection(self.env))
        return [
            {"reason": reason, "label": labels[reason], "count": count}
            for reason, count in Counter(left_out).most_common()
        ]

    def _figures(self):
        """Return the :class:`Figures` of the audience."""
        self.env.flush_all()  # what follows reads the tables
        sources = self._sources()
        hidden = sum(source.count_hidden() for source in sources)
        found = sum(source.count() for source in sources)
        step = -(-found // SAMPLE) or 1
        left_out, reachable, guessed = Counter(), Counter(), 0
        for reason, country, in_window, is_guessed, count in self._count(sources, step):
            if reason:
                left_out[reason] += count
            else:
                reachable[country, in_window] += count
                guessed += count * is_guessed
        if step > 1:
            left_out, reachable, guessed = _scale(found, left_out, reachable, guessed)
        if hidden:
            left_out["no_access"] = hidden
        return Figures(found + hidden, left_out, reachable, guessed, step > 1)

    def _count(self, sources, step):
        """Return the rows of ``AUDIENCE_FIGURES`` over one in ``step`` phones."""
        values = [self._all_values(source.model) for source in sources]
        asked = self._asked_values()
        parts = [
            self._sampled(source, read, step)
            for source, read in zip(sources, values, strict=True)
        ]
        chunk = SQL(" UNION ALL ").join(SQL("(%s)", part) for part in parts)
        self.env.cr.execute(queries.WITHOUT_JIT)
        return self.env.execute_query(
            SQL(
                queries.AUDIENCE_FIGURES,
                **asked,
                too_long=values[0].too_long,
                chunk=chunk,
            )
        )

    def _asked_values(self):
        """Return what a statement on the audience takes while nobody is written down.

        To be read before any record's values are: they make a draft forget what is not
        saved.
        """
        return {
            "broadcast_id": 0,  # what a review wrote down is none of its twins
            "company_id": self.company_id.id,
            "number_id": self.number_id.id or 0,
            **self._people_values(),
            **self._zone_values(by_recipient=False, zones={}),
        }

    def _sampled(self, source, values, step):
        model = source.model
        query = model._search(source.domain)
        if step > 1:
            sample = SQL.identifier(query.table, source.phone)
            record_id = SQL.identifier(query.table, "id")
            query.add_where(
                SQL(queries.IN_SAMPLE, phone=sample, id=record_id, step=step)
            )
        if values.needs_orm:
            values.resolve(query, list(query.get_result_ids()))
        return query.select(
            source.columns(position=SQL("NULL"), texts=values.texts, by_language=False)
        )


def _scale(found, left_out, reachable, guessed):
    """Return the sample's counts as those of all; their sum is what was found."""
    seen = sum(left_out.values()) + sum(reachable.values())
    factor = found / seen if seen else 0
    scaled = [
        Counter({key: round(count * factor) for key, count in counts.items()})
        for counts in (left_out, reachable)
    ]
    largest = max(scaled, key=lambda counts: max(counts.values(), default=0))
    if largest:
        [(key, _count)] = largest.most_common(1)
        largest[key] += found - sum(map(Counter.total, scaled))
    return *scaled, round(guessed * factor)
