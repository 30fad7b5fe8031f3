import { Component, status, useRef, useState } from "@odoo/owl";
import { _t } from "@web/core/l10n/translation";
import { useService } from "@web/core/utils/hooks";

const MODEL = "whatsapp.broadcast";

/** The first steps in a new database, above the broadcasts. */
export class Onboarding extends Component {
    static template = "whatsapp_broadcast.Onboarding";
    static props = {
        /** Shown even if all is done. */
        isAsked: Boolean,
    };

    setup() {
        this.orm = useService("orm");
        this.action = useService("action");
        this.notification = useService("notification");
        this.state = useState({ onboarding: { is_open: false }, isBusy: false });
        this.phone = useRef("phone");
        this.load(); // not waited for: the broadcasts are there at once
    }

    async load() {
        const values = { is_asked: this.props.isAsked };
        this.state.onboarding = await this.orm.silent.call(MODEL, "get_onboarding", [], values);
    }

    get doneText() {
        const { steps } = this.state.onboarding;
        const done = steps.filter((step) => step.is_done).length;
        return done === steps.length
            ? _t("All done. Select leads or contacts in any list and press WhatsApp.")
            : _t("%(done)s of %(count)s done", { done, count: steps.length });
    }

    stateText({ is_done: isDone }) {
        return isDone ? _t("Done") : _t("To do");
    }

    async run(step, { method }) {
        if (this.state.isBusy) {
            return;
        }
        const values = step.needs_phone ? { phone: this.phone.el.value } : {};
        this.state.isBusy = true;
        try {
            const action = await this.orm.call(MODEL, method, [], values);
            await this.action.doAction(action);
        } finally {
            this.state.isBusy = false;
        }
        if (status(this) !== "destroyed") {
            await this.load();
        }
    }

    async close() {
        await this.orm.call(MODEL, "action_close_onboarding", []);
        this.state.onboarding = { is_open: false };
        this.notification.add(_t("They are back under Configuration / First Steps."), {
            type: "info",
        });
    }
}
