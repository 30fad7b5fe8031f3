# One concern, one file: the broadcast in one file would be too long to read.
# pylint: disable=consider-merging-classes-inherited

from contextlib import suppress
from urllib.parse import urlsplit

import psycopg2

from odoo import api, fields, models
from odoo.exceptions import UserError

from ..engine import links, queries

#: What the address of a template's button ends with, to lead through here.
TRACKED_END = f"{links.PATH}{{{{1}}}}"
#: Days in which people press the links of a message.
CLICKED_DAYS = 30
#: Addresses that only this machine can open.
LOCAL_HOSTS = ("localhost", "127.0.0.1", "::1", "0.0.0.0")  # noqa: S104 (no socket)


class WhatsappBroadcast(models.Model):
    """Links by which one sees who pressed them.

    Those in a text, and the buttons of templates whose address leads here. Each leads
    on by a ``link.tracker`` with the campaign and source of the broadcast.
    """

    _inherit = "whatsapp.broadcast"

    track_links = fields.Boolean(
        "Count clicks",
        default=True,
        help="Addresses in the text are replaced by short ones of this server, which "
        "lead on to them and count who pressed.",
    )
    tracked_links = fields.Json(
        readonly=True, copy=False, help="What became of addresses; see engine.links."
    )
    link_base = fields.Char(
        compute="_compute_link_base", help="What tracked links begin with."
    )
    is_link_base_local = fields.Boolean(compute="_compute_link_base")
    link_count = fields.Integer("Links", compute="_compute_link_count")

    @api.depends(
        *("message_type", "body", "media_caption", "track_links"),
        *("template_id", "variant_ids.template_id"),
    )
    def _compute_link_base(self):
        base = self.browse().get_base_url() + links.PATH
        for broadcast in self:
            broadcast.link_base = base
            broadcast.is_link_base_local = (
                urlsplit(base).hostname in LOCAL_HOSTS and broadcast._has_links()
            )

    @api.depends("tracked_links")
    def _compute_link_count(self):
        for broadcast in self:
            broadcast.link_count = len(broadcast._codes())

    def action_open_links(self):
        """Open the broadcast's links, with how many people pressed each."""
        self.ensure_one()
        self.check_access("read")
        codes = list(self._codes().values())
        trackers = self.env["link.tracker"].search(
            [
                ("whatsapp_broadcast_id", "=", self.id),
                ("link_code_ids.code", "in", codes),
            ]
        )
        trackers._count_whatsapp_clicks()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "whatsapp_broadcast.link_tracker_action"
        )
        action["domain"] = [("id", "in", trackers.ids)]
        return action

    def _codes(self):
        """Return {address: the code of its tracker}."""
        return (self.tracked_links or {}).get("codes", {})

    # === WHAT IS TRACKED === #

    def _own_text(self):
        """Return what a text or a caption says, as it is written."""
        return {"text": self.body, "media": self.media_caption}.get(
            self.message_type
        ) or ""

    def _has_links(self):
        if self.message_type == "template":
            return any(self._tracked_variables())
        return self.track_links and bool(links.find_links(self._own_text()))

    def _tracked_variables(self):
        """Yield (variable, ``template_params``) of each button that leads here."""
        for template, params in self._wordings().values():
            for variable in template.variable_ids.filtered("is_tracked"):
                yield variable, params or {}

    def _check_links(self):
        """Refuse a tracked button that would lead nowhere."""
        if self.message_type == "template":
            for variable, params in self._tracked_variables():
                self._target(variable, params)

    def _target(self, variable, params):
        """Return the address behind a tracked button, the same for everyone."""
        model = self.env[self.audience_model]
        candidates = variable._candidates(model, params, self.user_id)
        texts = [text for kind, text in candidates if kind == "text" and text]
        is_fixed = all(kind == "text" for kind, _text in candidates)
        if is_fixed and texts and links.LINK.fullmatch(texts[0].strip()):
            return texts[0].strip()
        raise UserError(
            self.env._(
                "%(variable)s of %(template)s is a link whose clicks are counted: give "
                "the whole address that it opens as a fixed text, like "
                "https://example.com/offer.",
                variable=variable.display_name,
                template=variable.template_id.display_name,
            )
        )

    def _targets(self):
        """Return the addresses that are to be tracked, each once."""
        if self.message_type == "template":
            found = [self._target(*each) for each in self._tracked_variables()]
        else:
            found = links.find_links(self._own_text()) if self.track_links else []
        return list(dict.fromkeys(found))

    def _track_links(self):
        """Make a tracker for each address, and remember them for the messages."""
        targets = self._targets()
        trackers = self.env["link.tracker"].sudo().browse()
        if targets:
            trackers = trackers.search_or_create(
                [self._tracker_values(target) for target in targets]
            )
        codes = dict(zip(targets, trackers.mapped("code"), strict=True))
        self._write_protected(
            {"tracked_links": {"base": self.link_base, "codes": codes} if codes else {}}
        )

    def _tracker_values(self, target):
        return {
            "url": target,
            "title": target,  # else the page is asked for its own
            "campaign_id": self.campaign_id.id,
            "medium_id": self._utm_medium().id,
            "source_id": self._utm_source().id,
            "whatsapp_broadcast_id": self.id,
        }

    # === IN MESSAGES === #

    def _longest_text(self):
        """Return the text as the person with the longest links gets it."""
        text = self._own_text()
        if not self.track_links:
            return text
        codes = dict.fromkeys(links.find_links(text), links.CODE_ROOM)
        tracked = {"base": self.link_base, "codes": codes}
        return links.track_text(text, tracked, links.KEY_ROOM)

    def _test_values(self):
        """Nobody's clicks: whoever tries a message out is no recipient."""
        values = super()._test_values()  # may call the provider: nothing is locked yet
        if self.state == "draft" or not self.tracked_links:
            self._track_links()  # what was launched keeps the links that are out
        tracked = self.tracked_links
        if not tracked:
            return values
        for name in ("body", "media_caption"):
            values[name] = values[name] and links.track_text(values[name], tracked)
        for item in (values["variables"] or {}).get("button", ()):
            item[-1] = links.track_value(item[-1], tracked)
        return values


class WhatsappBroadcastTemplateButton(models.Model):
    _inherit = "whatsapp.broadcast.template.button"

    is_tracked = fields.Boolean(
        "Count Clicks",
        compute="_compute_is_tracked",
        store=True,
        readonly=False,
        help="The button leads through this server, which counts who pressed it. Each "
        "broadcast says which address it opens.",
    )

    @api.depends("url")
    def _compute_is_tracked(self):
        host = urlsplit(self.browse().get_base_url()).netloc
        for button in self:
            parts = urlsplit(button.url or "")
            is_ours = (parts.netloc, parts.path) == (host, TRACKED_END)
            button.is_tracked = button.is_tracked or is_ours

    @api.onchange("is_tracked")
    def _onchange_is_tracked(self):
        if self.is_tracked:
            self.url = self.get_base_url() + TRACKED_END


class WhatsappBroadcastTemplateVariable(models.Model):
    _inherit = "whatsapp.broadcast.template.variable"

    is_tracked = fields.Boolean(compute="_compute_is_tracked")

    @api.depends("component", "button_index", "template_id.button_ids.is_tracked")
    def _compute_is_tracked(self):
        for variable in self:
            tracked = variable.template_id.button_ids.filtered("is_tracked")
            is_button = variable.component == "button"
            variable.is_tracked = is_button and variable.button_index in tracked.mapped(
                "index"
            )


class LinkTracker(models.Model):
    _inherit = "link.tracker"

    whatsapp_broadcast_id = fields.Many2one(
        "whatsapp.broadcast",
        "WhatsApp Broadcast",
        ondelete="set null",
        index="btree_not_null",
        readonly=True,
    )

    @api.model
    def _follow_whatsapp_link(self, address, country_code=False, is_person=True):
        """Return where a link of a message leads to, and count the click.

        :param str address: what stands behind ``engine.links.PATH``
        :param str country_code: where it was pressed, if known
        :param bool is_person: nothing is counted for machines that look at links
        :return: the address with its UTM parameters, False if there is none
        """
        code, key, recipient_id = links.split_address(address)
        link = self.env["link.tracker.code"].search([("code", "=", code)]).link_id
        target = link.redirected_url
        if key and target and is_person:
            # Whoever presses a link gets to the page, counted or not.
            with suppress(psycopg2.OperationalError):
                link._count_whatsapp_click(key, recipient_id, country_code)
        return target

    @api.model
    def _cron_count_whatsapp_clicks(self):
        """Count for those who look at trackers elsewhere, as campaigns do."""
        since = fields.Datetime.subtract(fields.Datetime.now(), days=CLICKED_DAYS)
        sent = [("whatsapp_broadcast_id.started_at", ">", since)]
        self.search(sent)._count_whatsapp_clicks()

    def _count_whatsapp_clicks(self):
        """Bring the trackers' own counts up to date: clicks do not touch them."""
        self.env.flush_all()
        self.env.cr.execute(queries.COUNT_CLICKS, {"ids": self.ids})
        self.invalidate_recordset(["count"])

    def _count_whatsapp_click(self, key, recipient_id, country_code):
        self.env.cr.execute(
            queries.CLICK,
            {
                "link_id": self.id,
                "key": key,
                "recipient_id": recipient_id,
                "country_code": country_code or None,
            },
        )


class LinkTrackerClick(models.Model):
    _inherit = "link.tracker.click"

    # No many2one: recipients are deleted by SQL, with their broadcast.
    whatsapp_recipient = fields.Integer("WhatsApp Recipient", readonly=True)

    _whatsapp_recipient_unique = models.UniqueIndex(
        "(link_id, whatsapp_recipient) WHERE whatsapp_recipient IS NOT NULL"
    )
