import {
    Component,
    onMounted,
    onWillStart,
    onWillUnmount,
    reactive,
    useEffect,
    useRef,
    useState,
} from "@odoo/owl";
import { browser } from "@web/core/browser/browser";
import { deserializeDateTime } from "@web/core/l10n/dates";
import { _t } from "@web/core/l10n/translation";
import { registry } from "@web/core/registry";
import { Mutex } from "@web/core/utils/concurrency";
import { useService } from "@web/core/utils/hooks";
import { Layout } from "@web/search/layout";
import { standardActionServiceProps } from "@web/webclient/actions/action_service";

import { TemplateComposer, TextComposer } from "./conversation_composer";
import { ConversationMessage } from "./conversation_message";

const { DateTime } = luxon;

/** What the server tells of a conversation that somebody looks at. */
const NOTIFICATION = "whatsapp_broadcast/message";
const TICK = 5000;
/** How often it is asked for where nothing is on its way. */
const CALM = 30000;
const UNSETTLED = ["queued", "sending", "accepted", "sent"];
/** Pixels from the end within which the newest message is kept in sight. */
const NEAR = 80;

/** The conversation with one lead or partner, and how to go on with it. */
export class Conversation extends Component {
    static template = "whatsapp_broadcast.Conversation";
    static path = "whatsapp-conversation";
    static components = { ConversationMessage, Layout, TemplateComposer, TextComposer };
    static props = { ...standardActionServiceProps };

    setup() {
        this.orm = useService("orm");
        this.action = useService("action");
        this.notification = useService("notification");
        this.bus = useService("bus_service");
        this.log = useRef("log");
        this.mutex = new Mutex();
        const { res_model, res_id } = this.props.action.params;
        this.resModel = res_model;
        this.resId = Number(res_id);
        this.draft = reactive({ text: "", quote: null });
        this.state = useState({
            messages: [],
            hasMore: false,
            windows: [],
            numberId: null,
            prefersTemplate: false,
            isSending: false,
            isLoadingOlder: false,
            now: Date.now(),
        });
        this.isAtEnd = true;
        onWillStart(() => this.refresh());
        onMounted(() => this.start());
        onWillUnmount(() => this.stop());
        useEffect(
            () => this.keepPlace(),
            () => [this.state.messages]
        );
    }

    // === LIVE === //

    start() {
        // Opened by its address it has no name yet.
        this.env.config.setDisplayName(_t("WhatsApp: %s", this.person.name));
        this.props.updateActionState?.({ res_model: this.resModel, res_id: this.resId });
        this.channel = `whatsapp_broadcast/${this.resModel}/${this.resId}`;
        this.onNotification = () => this.refresh();
        this.bus.addChannel(this.channel);
        this.bus.subscribe(NOTIFICATION, this.onNotification);
        this.timer = browser.setInterval(() => this.tick(), TICK);
    }

    stop() {
        this.bus.deleteChannel(this.channel);
        this.bus.unsubscribe(NOTIFICATION, this.onNotification);
        browser.clearInterval(this.timer);
    }

    tick() {
        this.state.now = Date.now();
        const isMoving = this.state.messages.some(
            ({ direction, state }) => direction === "out" && UNSETTLED.includes(state)
        );
        if (!document.hidden && (isMoving || Date.now() - this.loadedAt >= CALM)) {
            this.refresh();
        }
    }

    // === LOADING === //

    get(options = {}) {
        return this.orm.silent.call(
            this.resModel,
            "whatsapp_get_conversation",
            [[this.resId]],
            options
        );
    }

    /** Reads the newest page again; what was read before it stays. */
    refresh() {
        return this.mutex.exec(async () => {
            const page = await this.get();
            this.loadedAt = Date.now();
            const { messages } = this.state;
            const place = messages.findIndex(({ key }) => key === page.messages[0]?.key);
            const older = place > 0 ? messages.slice(0, place) : [];
            if (!older.length) {
                this.cursor = page.cursor;
                this.state.hasMore = page.has_more;
            }
            this.person = { name: page.name, phone: page.phone };
            this.setWindows(page.windows);
            this.show([...older, ...page.messages]);
            if (page.messages.some(({ direction, is_seen }) => direction === "in" && !is_seen)) {
                await this.orm.silent.call(this.resModel, "whatsapp_mark_read", [[this.resId]]);
            }
        });
    }

    async loadOlder() {
        if (!this.state.hasMore || this.state.isLoadingOlder) {
            return;
        }
        this.state.isLoadingOlder = true;
        try {
            await this.mutex.exec(async () => {
                const page = await this.get({ before: this.cursor });
                this.cursor = page.cursor;
                this.state.hasMore = page.has_more;
                this.show([...page.messages, ...this.state.messages]);
            });
        } finally {
            this.state.isLoadingOlder = false;
        }
    }

    show(messages) {
        if (this.log.el) {
            const { scrollHeight, scrollTop } = this.log.el;
            this.fromEnd = scrollHeight - scrollTop;
        }
        const known = this.state.messages;
        this.isPrepended = known.length && known[0].key !== messages[0]?.key;
        this.state.messages = messages;
    }

    setWindows(windows) {
        const loadedAt = Date.now();
        this.state.now = loadedAt;
        this.state.windows = windows.map((window) => ({
            ...window,
            endsAt: loadedAt + window.seconds_left * 1000,
        }));
        if (!windows.some(({ number_id }) => number_id === this.state.numberId)) {
            this.state.numberId = windows[0]?.number_id || null;
        }
    }

    // === SCROLLING === //

    keepPlace() {
        const { el } = this.log;
        if (this.isAtEnd) {
            el.scrollTop = el.scrollHeight;
        } else if (this.isPrepended) {
            el.scrollTop = el.scrollHeight - this.fromEnd;
        }
        this.isPrepended = false;
    }

    onScroll() {
        const { scrollHeight, scrollTop, clientHeight } = this.log.el;
        this.isAtEnd = scrollHeight - scrollTop - clientHeight < NEAR;
        if (scrollTop < NEAR) {
            this.loadOlder();
        }
    }

    /** What grows after it was shown, such as a picture, must not hide the end. */
    onLoadFile() {
        if (this.isAtEnd) {
            this.log.el.scrollTop = this.log.el.scrollHeight;
        }
    }

    showQuoted(key) {
        const found = this.log.el.querySelector(`[data-key="${CSS.escape(key)}"]`);
        if (found) {
            found.scrollIntoView({ block: "center" });
        } else {
            this.notification.add(_t("That message is further up: scroll there first."));
        }
    }

    // === WHAT IS SHOWN === //

    get display() {
        return { controlPanel: this.env.inDialog ? false : {} };
    }

    /** @returns {{day: string, label: string, messages: Object[]}[]} */
    get days() {
        const days = [];
        for (const message of this.state.messages) {
            const day = deserializeDateTime(message.at).toISODate();
            if (days.at(-1)?.day !== day) {
                days.push({ day, label: this.dayLabel(day), messages: [] });
            }
            days.at(-1).messages.push(message);
        }
        return days;
    }

    dayLabel(day) {
        const date = DateTime.fromISO(day);
        const age = DateTime.local().startOf("day").diff(date, "days").days;
        if (age < 2) {
            return Math.round(age) < 1 ? _t("Today") : _t("Yesterday");
        }
        return date.toLocaleString(DateTime.DATE_FULL);
    }

    get sender() {
        return this.state.windows.find(
            ({ number_id }) => number_id === this.state.numberId
        );
    }

    get secondsLeft() {
        return this.sender ? Math.max(0, (this.sender.endsAt - this.state.now) / 1000) : 0;
    }

    get isOpen() {
        return this.secondsLeft > 0;
    }

    get percentLeft() {
        return Math.min(100, (100 * this.secondsLeft) / 86400);
    }

    get timeLeft() {
        const minutes = Math.floor(this.secondsLeft / 60);
        const [hours, rest] = [Math.floor(minutes / 60), minutes % 60];
        return hours
            ? _t("%(hours)s h %(minutes)s min left to answer freely", { hours, minutes: rest })
            : _t("%s min left to answer freely", minutes);
    }

    // === WRITING === //

    chooseNumber(ev) {
        this.state.numberId = Number(ev.target.value);
    }

    quote(message) {
        this.state.prefersTemplate = false;
        this.draft.quote = message;
    }

    dropQuote() {
        this.draft.quote = null;
    }

    async sendText() {
        const { text, quote } = this.draft;
        const isSent = await this.send("whatsapp_reply", [text], {
            context_message_id: quote?.message_id || null,
        });
        if (isSent) {
            Object.assign(this.draft, { text: "", quote: null });
        }
    }

    async sendTemplate(templateId, variables, mediaLink) {
        const { numberId } = this.state;
        const isSent = await this.call("whatsapp_send_template", [templateId, numberId], {
            variables,
            media_link: mediaLink,
        });
        if (isSent) {
            this.state.prefersTemplate = false;
        }
    }

    /** What failed is written anew; the failure stays to be seen. */
    retry(message) {
        if (this.isOpen && message.kind === "text") {
            this.draft.text = message.text;
            this.state.prefersTemplate = false;
        } else {
            this.state.prefersTemplate = true;
        }
    }

    send(method, args, options) {
        return this.call(method, [this.state.numberId, ...args], options);
    }

    /** Sends; an error is shown by the web client, and what was written stays. */
    async call(method, args, options) {
        this.state.isSending = true;
        try {
            await this.orm.call(this.resModel, method, [[this.resId], ...args], options);
            this.isAtEnd = true;
            await this.refresh();
            return true;
        } finally {
            this.state.isSending = false;
        }
    }

    openBroadcast(id) {
        this.action.doAction({
            type: "ir.actions.act_window",
            res_model: "whatsapp.broadcast",
            res_id: id,
            views: [[false, "form"]],
        });
    }
}

registry.category("actions").add("whatsapp_broadcast.conversation", Conversation);
