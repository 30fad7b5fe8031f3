# One concern, one file: the broadcast in one file would be too long to read.
# pylint: disable=consider-merging-classes-inherited

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.fields import Command

#: States of an account whose messages go out.
SENDING_STATES = ("connected", "deaf")
#: Counters of messages that the provider took.
ACCEPTED = ("accepted", "sent", "delivered", "read")
#: What Meta gives each new account, approved and without variables.
FIRST_TEMPLATE = "hello_world"
#: A template with such a header needs a file.
MEDIA_HEADERS = ("image", "video", "document")
#: People named whom one may ask.
NAMES_SHOWN = 3


class WhatsappBroadcast(models.Model):
    """First steps in a new database, done as soon as its data says so."""

    _inherit = "whatsapp.broadcast"

    # === WHAT IS TO BE DONE === #

    @api.model
    def get_onboarding(self, is_asked=False):
        """Return the first steps of the present company, and who can do them.

        Nothing is ticked off: a step is done when the data says so.

        :param bool is_asked: return them even if they are all done, or closed
        :return: ``is_open`` (whether they are to be shown; else nothing follows),
            ``may_close`` and ``steps``, dicts ``name title text is_done needs_phone``
            and ``buttons``: [{method, label}] of what this user can do; the words are
            in the user's language
        :rtype: dict
        """
        self.check_access("read")
        if self.env.company.sudo().whatsapp_onboarding_closed and not is_asked:
            return {"is_open": False}
        steps = [self._connect_step(), self._sync_step(), self._first_message_step()]
        if all(step["is_done"] for step in steps) and not is_asked:
            return {"is_open": False}
        return {"is_open": True, "may_close": self._is_manager(), "steps": steps}

    def _connect_step(self):
        account = self._first_account()
        step = _step("connect", self.env._("Connect your number"))
        step["is_done"] = account.state == "connected"
        step["text"] = self._connect_text(account)
        if not step["is_done"]:
            label = self.env._("Open the Account") if account else self.env._("Connect")
            missing = self.env._("No number can be used fully yet.")
            button = ("action_connect_account", label)
            self._offer(step, "administrator", missing, button)
        return step

    def _connect_text(self, account):
        if not account:
            return self.env._(
                "Enter once what Meta shows of your WhatsApp account: a checklist "
                "leads through it. Numbers and templates then come by themselves."
            )
        return {
            "connected": self.env._(
                "Messages go out, and what WhatsApp reports comes in."
            ),
            "deaf": self.env._(
                "%s sends, but nothing comes in yet: who got it, who answers, who "
                "writes STOP. The checklist says how to connect the webhook.",
                account.name,
            ),
            "draft": self.env._(
                "%s is entered, but not connected: go through its checklist and press "
                "Connect.",
                account.name,
            ),
            "error": self.env._(
                "WhatsApp stopped %s: open it to see why.", account.name
            ),
        }[account.state]

    def _sync_step(self):
        step = _step("sync", self.env._("Synchronise templates"))
        templates_sudo = self._first_templates()
        approved = templates_sudo.filtered(_is_usable)
        step["is_done"] = bool(approved)
        if approved:
            step["text"] = self.env._("Approved and ready to send: %s.", len(approved))
        elif not self._sending_accounts():
            step["text"] = self.env._("Comes after the connection.")
        else:
            sync = ("action_sync_all_templates", self.env._("Synchronise"))
            write = ("action_write_template", self.env._("Write One"))
            step["text"] = (
                self.env._(
                    "Nothing of what you have is approved yet. WhatsApp decides in "
                    "minutes, at times in a day: then synchronise again."
                )
                if templates_sudo
                else self.env._(
                    "A conversation begins with a text that WhatsApp approved. Fetch "
                    "those that you have, or write one."
                )
            )
            missing = self.env._("No template is approved yet.")
            self._offer(step, "manager", missing, sync, write)
        return step

    def _first_message_step(self):
        step = _step("first", self.env._("Send the first broadcast to yourself"))
        if self._was_accepted():
            step["is_done"] = True
            step["text"] = self.env._("WhatsApp accepted your first message.")
            return step
        number, template = self._first_message()
        if not number:
            step["text"] = self.env._("Comes after the connection.")
        elif not template:
            step["text"] = self.env._("Comes as soon as a template is approved.")
        else:
            self._offer_first_message(step, template)
        return step

    def _offer_first_message(self, step, template):
        phone = self.env.user.partner_id.phone
        step["needs_phone"] = not phone
        label = self.env._("Write to Myself")
        step["buttons"] = [{"method": "action_write_to_myself", "label": label}]
        if phone:
            step["text"] = self.env._(
                "A draft of %(template)s to %(phone)s, which only you get. Look at it, "
                "then launch.",
                template=template.name,
                phone=phone,
            )
        else:
            step["text"] = self.env._(
                "Your own contact has no phone number yet. On which do you have "
                "WhatsApp?"
            )

    def _offer(self, step, group, missing, *buttons):
        """Give a step its buttons; who has none is told what is missing, and by whom.

        :param str missing: in words for who can only ask
        """
        if self.env.user.has_group(f"whatsapp_broadcast.group_{group}"):
            step["buttons"] = [{"method": m, "label": label} for m, label in buttons]
            return
        names = ", ".join(self._members(group).mapped("name"))
        ask = {
            "administrator": self.env._("Ask an administrator: %s.", names),
            "manager": self.env._("Ask a manager: %s.", names),
        }
        step["text"] = f"{missing} {ask[group]}"

    def _members(self, group):
        """Return some of the people in a group who work in this company."""
        group_sudo = self.env.ref(f"whatsapp_broadcast.group_{group}").sudo()
        return group_sudo.all_user_ids.filtered(
            lambda user: user.active and self.env.company in user.company_ids
        )[:NAMES_SHOWN]

    def _is_manager(self):
        return self.env.user.has_group("whatsapp_broadcast.group_manager")

    # === WHAT IS THERE === #

    def _company_accounts(self):
        """Return the accounts that this company may use, with all rights."""
        allowed = [("company_id", "in", (False, self.env.company.id))]
        return self.env["whatsapp.broadcast.account"].sudo().search(allowed)

    def _sending_accounts(self):
        return self._company_accounts().filtered(lambda a: a.state in SENDING_STATES)

    def _first_account(self):
        """Return the account that is nearest to being connected, if any."""
        order = ["connected", "deaf", "error", "draft"]
        accounts = self._company_accounts()
        return accounts.sorted(lambda account: order.index(account.state))[:1]

    def _first_templates(self):
        """Return the templates of accounts that send, with all rights."""
        of_accounts = [("account_id", "in", self._sending_accounts().ids)]
        return self.env["whatsapp.broadcast.template"].sudo().search(of_accounts)

    def _was_accepted(self):
        counted = [
            ("broadcast_id.company_id", "=", self.env.company.id),
            ("name", "in", ACCEPTED),
            ("delta", ">", 0),
        ]
        counters_sudo = self.env["whatsapp.broadcast.counter"].sudo()
        return bool(counters_sudo.search_count(counted, limit=1))

    def _first_message(self):
        """Return (number, template) that a first message needs least else with.

        Without a template that can be sent, the first number; without a number, none.
        """
        numbers = self._usable_numbers()
        for number in numbers:
            templates = self.env["whatsapp.broadcast.template"].search(
                [("account_id", "=", number.account_id.id)]
            )
            if usable := templates.filtered(_is_usable):
                return number, usable.sorted(_effort)[0]
        return numbers[:1], self.env["whatsapp.broadcast.template"]

    def _usable_numbers(self):
        numbers = self.env["whatsapp.broadcast.number"].search(
            [
                ("state", "=", "connected"),
                ("account_id", "in", self._sending_accounts().ids),
            ]
        )
        return numbers.filtered(
            lambda number: (
                not number.sudo().company_ids
                or self.env.company in number.sudo().company_ids
            )
        )

    # === WHAT THE BUTTONS DO === #

    @api.model
    def action_connect_account(self):
        """Open the account that is to be connected, or a new one."""
        accounts = self.env["whatsapp.broadcast.account"]
        accounts.check_access("create")
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Connect your number"),
            "res_model": accounts._name,
            "res_id": self._first_account().id,
            "view_mode": "form",
            "views": [(False, "form")],
        }

    @api.model
    def action_sync_all_templates(self):
        """Read the templates of all accounts that send, and say what was found."""
        self.env["whatsapp.broadcast.template"].check_access("write")
        accounts = self._sending_accounts().sudo(False)
        if not accounts:
            raise UserError(self.env._("Connect a number first."))
        accounts.action_sync_templates()
        templates_sudo = self._first_templates()
        usable = templates_sudo.filtered(_is_usable)
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "type": "success" if usable else "warning",
                "message": self.env._(
                    "Templates: %(count)s. Approved and ready to send: %(usable)s.",
                    count=len(templates_sudo),
                    usable=len(usable),
                ),
            },
        }

    @api.model
    def action_write_template(self):
        """Open a new template."""
        templates = self.env["whatsapp.broadcast.template"]
        templates.check_access("create")
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Template"),
            "res_model": templates._name,
            "view_mode": "form",
            "views": [(False, "form")],
            "context": {"default_account_id": self._sending_accounts()[:1].id},
        }

    @api.model
    def action_write_to_myself(self, phone=None):
        """Open a draft to the user's own contact, the one that is there if there is.

        :param str phone: becomes the user's own, if there is none yet
        :raise UserError: if there is nothing to send with, or no valid phone
        """
        self.check_access("create")
        self._take_own_phone(phone)
        draft = self._own_draft() or self._make_own_draft()
        return {
            "type": "ir.actions.act_window",
            "res_model": self._name,
            "res_id": draft.id,
            "view_mode": "form",
            "views": [(False, "form")],
        }

    def _take_own_phone(self, phone):
        user = self.env.user
        if user.partner_id.phone:
            return
        if not isinstance(phone, str) or not phone.strip():
            raise UserError(
                self.env._("Enter the number that you have WhatsApp on first.")
            )
        user.write({"phone": self._parse_phone(phone)})  # each may write his own

    def _own_draft(self):
        partner = self.env.user.partner_id
        drafts = self.search(
            [
                ("user_id", "=", self.env.uid),
                ("company_id", "=", self.env.company.id),
                ("state", "=", "draft"),
                ("audience_type", "=", "contacts"),
                ("partner_ids", "=", partner.id),
            ]
        )
        return drafts.filtered(lambda draft: draft.partner_ids == partner)[:1]

    def _make_own_draft(self):
        number, template = self._first_message()
        if not template:
            raise UserError(
                self.env._("Connect a number and have a template approved first.")
            )
        return self.create(
            {
                "name": self.env._("My first broadcast"),
                "number_id": number.id,
                "template_id": template.id,
                "audience_type": "contacts",
                "partner_ids": [Command.set(self.env.user.partner_id.ids)],
            }
        )

    @api.model
    def action_close_onboarding(self):
        """Show the first steps no more, to nobody in this company."""
        self._keep_onboarding_closed(True)

    @api.model
    def action_open_onboarding(self):
        """Show the first steps again, to everybody in this company."""
        self._keep_onboarding_closed(False)
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "whatsapp_broadcast.whatsapp_broadcast_action"
        )
        return {**action, "context": {"whatsapp_onboarding": True}}

    def _keep_onboarding_closed(self, is_closed):
        self.check_access("read")
        if not self._is_manager():
            raise AccessError(
                self.env._("Only a manager decides this for the whole company.")
            )
        self.env.company.sudo().whatsapp_onboarding_closed = is_closed


class ResCompany(models.Model):
    _inherit = "res.company"

    whatsapp_onboarding_closed = fields.Boolean("WhatsApp First Steps Closed")


def _step(name, title):
    return {
        "name": name,
        "title": title,
        "text": "",
        "is_done": False,
        "needs_phone": False,
        "buttons": [],
    }


def _is_usable(template):
    return template.state == "approved" and not template.unsupported_reason


def _effort(template):
    """Order templates by what a first message with them would need besides."""
    return (
        template.name != FIRST_TEMPLATE,
        template.header_type in MEDIA_HEADERS,
        len(template.variable_ids),
        template.category == "marketing",
        template.id,
    )
