import hashlib
import ipaddress
import logging
import secrets as random
from datetime import timedelta
from urllib.parse import urlsplit

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.http import db_list
from odoo.tools import ormcache
from odoo.tools.lru import LRU

from ..engine import news
from ..providers import (
    Credentials,
    get,
)
from ..tools import secrets
from .management import Management

_logger = logging.getLogger(__name__)

SECRETS = ("access_token", "app_secret", "verify_token")
WEBHOOK_PATH = "/whatsapp_broadcast/webhook/"
#: Where a person does what no API can do.
APP_DASHBOARD = "https://developers.facebook.com/apps/%s/"


#: What an address leads to that is no account's.
NO_DOOR = (None, None, None)
#: What checks signatures in this process, by encrypted app secret: opening it would
#: take as long as all else. A keyed hash is kept, nothing plain.
_verifiers = LRU(256)

#: Clocks differ: what is read now may be older than news of so long ago.
CLOCK_DIFFERENCE = timedelta(minutes=1)


class WhatsappBroadcastAccount(models.Model):
    _name = "whatsapp.broadcast.account"
    _description = "WhatsApp Account"
    _inherit = ["mail.thread"]
    _order = "name, id"

    name = fields.Char(required=True, tracking=True)
    active = fields.Boolean(default=True)
    company_id = fields.Many2one(
        "res.company", index=True, help="Empty: shared by all companies."
    )
    provider = fields.Selection(
        [("meta", "Meta Cloud API")], required=True, default="meta"
    )
    api_url = fields.Char(
        "API URL", required=True, default="https://graph.facebook.com/v23.0"
    )
    app_id = fields.Char("App ID")
    business_account_id = fields.Char("WhatsApp Business Account ID", copy=False)
    business_portfolio_id = fields.Char(
        "Business Portfolio ID",
        help="Accounts of one portfolio share the limit of people a day.",
    )
    reach_margin = fields.Float(
        "Left for Others",
        default=0.1,
        help="Share of the people a day that is not used from here, for what is sent "
        "from elsewhere.",
    )

    # Write-only: see ``secrets.store``.
    access_token = fields.Char(
        compute="_compute_secrets", inverse="_inverse_access_token", copy=False
    )
    app_secret = fields.Char(
        compute="_compute_secrets", inverse="_inverse_app_secret", copy=False
    )
    verify_token = fields.Char(
        compute="_compute_secrets", inverse="_inverse_verify_token", copy=False
    )
    access_token_encrypted = fields.Char(
        groups=fields.NO_ACCESS, copy=False, prefetch=False
    )
    app_secret_encrypted = fields.Char(
        groups=fields.NO_ACCESS, copy=False, prefetch=False
    )
    verify_token_encrypted = fields.Char(
        groups=fields.NO_ACCESS, copy=False, prefetch=False
    )
    app_secret_fingerprint = fields.Char(
        groups=fields.NO_ACCESS,
        copy=False,
        prefetch=False,
        help="Proves that two accounts are of one app, without the secret.",
    )
    access_token_is_set = fields.Boolean(compute="_compute_is_set", compute_sudo=True)
    app_secret_is_set = fields.Boolean(compute="_compute_is_set", compute_sudo=True)
    verify_token_is_set = fields.Boolean(compute="_compute_is_set", compute_sudo=True)
    keys_are_set = fields.Boolean(compute="_compute_keys_are_set")

    webhook_token = fields.Char(
        required=True,
        copy=False,
        readonly=True,
        default=lambda self: random.token_urlsafe(24),
        groups="whatsapp_broadcast.group_administrator",
    )
    webhook_url = fields.Char(
        compute="_compute_webhook_url",
        compute_sudo=True,
        groups="whatsapp_broadcast.group_administrator",
    )
    webhook_is_public = fields.Boolean(
        compute="_compute_webhook_url",
        compute_sudo=True,
        help="Whether the provider can reach this Odoo: https on a public address.",
    )
    database_is_ambiguous = fields.Boolean(
        compute="_compute_webhook_url",
        compute_sudo=True,
        help="Whether this server has several databases for the webhook's address.",
    )
    last_webhook_at = fields.Datetime(readonly=True, copy=False)
    token_expires_at = fields.Datetime(readonly=True, copy=False)
    state = fields.Selection(
        [
            ("draft", "Not connected"),
            ("deaf", "Sends, but hears nothing"),
            ("connected", "Connected"),
            ("error", "Stopped"),
        ],
        default="draft",
        required=True,
        readonly=True,
        copy=False,
        tracking=True,
    )
    error_message = fields.Text(readonly=True, copy=False)
    heard_at = fields.Json(
        readonly=True, copy=False, help="When the provider last spoke of what."
    )
    checked_at = fields.Datetime(
        readonly=True, copy=False, help="When the provider was asked last."
    )
    has_override = fields.Boolean(
        "Callback Overridden",
        readonly=True,
        copy=False,
        help="The business account, or a number of it, has a callback URL of its own. "
        "Webhooks on templates and on the account never come there.",
    )
    number_ids = fields.One2many("whatsapp.broadcast.number", "account_id")
    template_ids = fields.One2many("whatsapp.broadcast.template", "account_id")
    number_count = fields.Integer(compute="_compute_counts")
    template_count = fields.Integer(compute="_compute_counts")
    unrouted_count = fields.Integer(
        compute="_compute_unrouted_count",
        compute_sudo=True,
        groups="whatsapp_broadcast.group_administrator",
        help="Webhooks of this app on accounts or numbers that are not connected here.",
    )
    notice_ids = fields.One2many(
        "whatsapp.broadcast.notice",
        "account_id",
        groups="whatsapp_broadcast.group_manager",
    )
    open_notice_id = fields.Many2one(
        "whatsapp.broadcast.notice",
        compute="_compute_open_notice",
        groups="whatsapp_broadcast.group_manager",
        help="The last serious word of the provider that nobody dismissed.",
    )
    open_notice_advice = fields.Char(
        compute="_compute_open_notice", groups="whatsapp_broadcast.group_manager"
    )
    open_notice_reason = fields.Char(
        compute="_compute_open_notice", groups="whatsapp_broadcast.group_manager"
    )
    checklist = fields.Html(compute="_compute_checklist")

    _business_account_unique = models.Constraint(
        "UNIQUE (provider, business_account_id)",
        "This business account is already connected.",
    )
    _webhook_token_unique = models.Constraint(
        "UNIQUE (webhook_token)", "The webhook address must be unique."
    )

    # === SECRETS === #

    def _compute_secrets(self):
        for account in self:
            for name in SECRETS:
                account[name] = False

    def _inverse_access_token(self):
        self._store_secret("access_token")

    def _inverse_app_secret(self):
        for account in self:
            secret = (account.app_secret or "").encode()
            fingerprint = hashlib.sha256(b"\n".join(sorted(secret.split())))
            account.sudo().app_secret_fingerprint = (
                fingerprint.hexdigest() if secret.strip() else False
            )
        self._store_secret("app_secret")

    def _inverse_verify_token(self):
        self._store_secret("verify_token")

    def _store_secret(self, name):
        secrets.store(self, name)
        self.invalidate_recordset([f"{name}_is_set"])
        self.env.registry.clear_cache()  # the webhook caches accounts by token

    def _compute_is_set(self):
        for account in self:
            for name in SECRETS:
                account[f"{name}_is_set"] = bool(account[f"{name}_encrypted"])

    def _compute_keys_are_set(self):
        self.keys_are_set = secrets.keys_are_set()

    def _reveal_secret(self, name):
        """Return the plain secret, for the provider only."""
        encrypted = self.sudo()[f"{name}_encrypted"]
        return secrets.decrypt(self.env, encrypted) if encrypted else ""

    # === COMPUTE METHODS === #

    @api.depends("webhook_token")
    def _compute_webhook_url(self):
        base_url = self.get_base_url() if self else ""
        for account in self:
            account.webhook_url = f"{base_url}{WEBHOOK_PATH}{account.webhook_token}"
            account.webhook_is_public = _is_public(base_url)
            account.database_is_ambiguous = _is_ambiguous(base_url)

    @api.depends("number_ids", "template_ids")
    def _compute_counts(self):
        for account in self:
            account.number_count = len(account.number_ids)
            account.template_count = len(account.template_ids)

    def _compute_unrouted_count(self):
        groups = self.env["whatsapp.broadcast.event"]._read_group(
            [("account_id", "in", self.ids), ("state", "=", "unrouted")],
            ["account_id"],
            ["__count"],
        )
        counts = {account.id: count for account, count in groups}
        for account in self:
            account.unrouted_count = counts.get(account.id, 0)

    @api.depends("notice_ids.is_open")
    def _compute_open_notice(self):
        for account in self:
            notice = account.open_notice_id.search(
                [("account_id", "=", account.id), ("is_open", "=", True)], limit=1
            )
            account.open_notice_id = notice
            account.open_notice_advice = notice.advice
            account.open_notice_reason = notice.reason

    @api.depends(
        "state",
        "app_id",
        "webhook_url",
        "last_webhook_at",
        "number_ids.state",
        "has_override",
        "unrouted_count",
    )
    def _compute_checklist(self):
        for account in self:
            account.checklist = self.env["ir.qweb"]._render(
                "whatsapp_broadcast.account_checklist",
                {
                    "account": account,
                    "dashboard": APP_DASHBOARD % (account.app_id or ""),
                    "unregistered": account.number_ids.filtered("needs_registration"),
                },
            )

    # === ACTIONS === #

    def action_connect(self):
        """Check the token and everything behind it, and subscribe to the webhook.

        Raises UserError with what to do; nothing is changed then.
        """
        self.ensure_one()
        self.check_access("write")
        self._check_settings()
        templates = self.env["whatsapp.broadcast.template"]
        templates.check_access("write")
        # All is read before anything is written: no lock is held meanwhile.
        with self._remote() as (provider, call):
            token = provider.inspect_token(call)
            self._check_token(token)
            provider.fetch_account_name(call)
            numbers = list(provider.list_numbers(call))
            self._check_subscribed(provider.subscribe(call))
            remote_templates = list(provider.list_templates(call))
            ids = [number.external_id for number in numbers]
            is_overridden = self._is_overridden(provider, call, ids)
        self._resume(token, is_overridden)
        self.number_ids._merge_remote(self, numbers)
        templates._merge_remote(self, remote_templates)
        return True

    def _resume(self, token, is_overridden):
        """Write what a check found: it may send."""
        was_stopped = self.state == "error"
        self._write_protected(
            {
                "state": "connected" if self.last_webhook_at else "deaf",
                "error_message": False,
                "token_expires_at": token.expires_at,
                "heard_at": heard_now(self, ("state",)),
                "checked_at": self.env.cr.now(),
                "has_override": is_overridden,
            }
        )
        if was_stopped:
            self.env.flush_all()
            values = ("error", "connected")
            news.notice(self.env.cr, {"account_id": self.id}, "account_state", values)

    def action_sync_templates(self):
        """Read all templates from the provider and merge them into ours."""
        self.check_access("read")
        templates = self.env["whatsapp.broadcast.template"]
        templates.check_access("write")
        self._check_settings()
        # All is read before anything is written: no lock is held meanwhile.
        remote = {}
        for account in self:
            with account._remote() as (provider, call):
                remote[account] = list(provider.list_templates(call))
        for account, remote_templates in remote.items():
            templates._merge_remote(account, remote_templates)
        return True

    def action_make_verify_token(self):
        """Make a verify token and show it this once."""
        self.ensure_one()
        token = random.token_urlsafe(24)
        self.verify_token = token
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "type": "warning",
                "sticky": True,
                "title": self.env._("Verify token: copy it now"),
                "message": self.env._(
                    "%s\nIt is shown only this once. Enter it in the provider's "
                    "dashboard beside the callback URL.",
                    token,
                ),
                "next": {"type": "ir.actions.client", "tag": "soft_reload"},
            },
        }

    def action_open_numbers(self):
        """Open the account's numbers."""
        return self._open("whatsapp_broadcast_number_action")

    def action_open_templates(self):
        """Open the account's templates."""
        return self._open("whatsapp_broadcast_template_action")

    def action_open_notices(self):
        """Open what the provider said of the account and what belongs to it."""
        return self._open("whatsapp_broadcast_notice_action")

    def action_open_unrouted(self):
        """Open the webhooks that came here and belong to nobody."""
        action = self._open("whatsapp_broadcast_event_action")
        domain = [*action["domain"], ("state", "=", "unrouted")]
        return action | {"name": self.env._("Unknown Numbers"), "domain": domain}

    def _open(self, name):
        self.ensure_one()
        self.check_access("read")
        action = self.env["ir.actions.act_window"]._for_xml_id(
            f"whatsapp_broadcast.{name}"
        )
        return {
            **action,
            "domain": [("account_id", "=", self.id)],
            "context": {"default_account_id": self.id},
        }

    # === CHECKS === #

    def _check_settings(self):
        needed = {name: name for name in ("app_id", "business_account_id")}
        needed |= {name: f"{name}_is_set" for name in ("access_token", "app_secret")}
        missing = [
            self._fields[name]._description_string(self.env)
            for name, field in needed.items()
            if not all(self.mapped(field))
        ]
        if missing:
            raise UserError(
                self.env._(
                    "Fill in first: %s. The README says where Meta shows each.",
                    ", ".join(missing),
                )
            )

    def _check_token(self, token):
        if not token.valid:
            raise UserError(
                self.env._(
                    "Meta says that the access token is not valid. Make a new one for "
                    "a system user and paste it here."
                )
            )
        if token.app_id and token.app_id != self.app_id:
            raise UserError(
                self.env._(
                    "The access token belongs to app %(token_app)s, not to "
                    "%(app)s. Correct the App ID or use a token of this app.",
                    token_app=token.app_id,
                    app=self.app_id,
                )
            )
        if token.missing_scopes:
            raise UserError(
                self.env._(
                    "The access token lacks these permissions: %s. Add them to the "
                    "system user's token.",
                    ", ".join(sorted(token.missing_scopes)),
                )
            )

    def _check_subscribed(self, subscribed):
        if not subscribed:
            raise UserError(
                self.env._(
                    "Meta took the subscription but does not list app %s among the "
                    "subscribed apps, so no webhook would come. Check that the token "
                    "belongs to that app, then connect again.",
                    self.app_id,
                )
            )

    # === PROVIDER === #

    def _provider(self):
        """Return the provider bound to this account's credentials."""
        self.ensure_one()
        account_sudo = self.sudo()
        account_sudo.fetch([f"{name}_encrypted" for name in SECRETS])
        credentials = Credentials(
            api_url=account_sudo.api_url.rstrip("/"),
            app_id=account_sudo.app_id or "",
            business_account_id=account_sudo.business_account_id or "",
            **{name: self._reveal_secret(name) for name in SECRETS},
        )
        return get(account_sudo.provider)(credentials)

    def _parser(self):
        """Return a provider for reading webhooks, which takes no secret."""
        return get(self.provider)(Credentials(api_url=self.api_url))

    @api.model
    @ormcache()
    def _webhook_doors(self):
        """Return {token of an address: (account id, provider, encrypted app secret)}.

        Cached as one: no door costs a query, and addresses that somebody makes up
        neither cost one nor push anything out of the cache.
        """
        names = ["webhook_token", "provider", "app_secret_encrypted"]
        accounts_sudo = self.sudo().with_context(active_test=False)
        return {
            account_sudo.webhook_token: (
                account_sudo.id,
                account_sudo.provider,
                account_sudo.app_secret_encrypted,
            )
            for account_sudo in accounts_sudo.search_fetch([], names)
        }

    @api.model
    def _verify_webhook(self, token, headers, body):
        """Return the id of the account whose app signed ``body``, or None."""
        account_id, provider, encrypted = self._webhook_doors().get(token, NO_DOOR)
        if not encrypted:
            return None
        verify = _verifiers.get(encrypted)
        if verify is None:
            secret = secrets.decrypt(self.env, encrypted)
            verify = _verifiers[encrypted] = get(provider).verifier(secret)
        return account_id if verify(headers, body) else None

    @api.model
    def _answer_handshake(self, token, params):
        """Return the text that confirms a webhook address, or None."""
        account_id, _provider, _secret = self._webhook_doors().get(token, NO_DOOR)
        if not account_id:
            return None
        return self.browse(account_id)._provider().answer_handshake(params)

    def _remote(self):
        """Return a context ``(provider, call)`` whose failures are UserErrors."""
        return Management(self)

    # === PROTECTION === #

    @api.model_create_multi
    def create(self, vals_list):
        self._refuse_protected(*vals_list)
        return super().create(vals_list)

    def write(self, vals):
        self._refuse_protected(vals)
        moved = self.browse()
        if "api_url" in vals and not vals.get("access_token"):
            target = _origin(vals["api_url"])
            moved = self.filtered(lambda account: _origin(account.api_url) != target)
        result = super().write(vals)
        moved._forget_token()
        self.env.registry.clear_cache()  # the webhook caches accounts by token
        return result

    def _forget_token(self):
        """A token goes only to the server that it was entered for."""
        if self:
            self.access_token = False
            self._write_protected({"state": "draft"})

    def unlink(self):
        self.env["whatsapp.broadcast.event"]._forget_accounts(self.ids)
        result = super().unlink()
        self.env.registry.clear_cache()  # as in write
        return result

    def _write_protected(self, vals):
        """Write what only the addon may write."""
        return super().write(vals)

    def _refuse_protected(self, *vals_list):
        protected = {
            "state",
            "error_message",
            "last_webhook_at",
            "webhook_token",
            "heard_at",
            "checked_at",
            "has_override",
        }
        if any(protected & vals.keys() for vals in vals_list):
            raise UserError(
                self.env._("The account's state is set by the provider, not by hand.")
            )

    @api.ondelete(at_uninstall=False)
    def _unlink_unless_used(self):
        if self.with_context(active_test=False).number_ids._used_numbers():
            raise UserError(
                self.env._(
                    "This account has numbers that broadcasts use. Archive it instead."
                )
            )


def heard_now(record, names):
    """Return ``heard_at`` of one or no record that all ``names`` were just read of."""
    at = (record.env.cr.now() - CLOCK_DIFFERENCE).isoformat(timespec="seconds")
    known = record.heard_at or {}
    return known | {name: max(known.get(name, ""), at) for name in names}


def _origin(url):
    parts = urlsplit(url or "")
    return parts.scheme, parts.netloc


def _is_public(url):
    """Tell whether a provider on the internet could reach ``url``."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.scheme != "https" or "." not in host or host.endswith(".local"):
        return False
    try:
        return ipaddress.ip_address(host).is_global
    except ValueError:
        return not host.endswith(".localhost")


def _is_ambiguous(url):
    """Tell whether a call without a session would not know its database: 404."""
    return len(db_list(force=True, host=urlsplit(url).netloc)) > 1
