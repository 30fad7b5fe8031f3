import { Component, useState } from "@odoo/owl";
import { localization } from "@web/core/l10n/localization";
import { _t } from "@web/core/l10n/translation";
import { formatInteger } from "@web/views/fields/formatters";

/** Arrows through the people of an audience. */
export class PeopleStepper extends Component {
    static template = "whatsapp_broadcast.PeopleStepper";
    static props = {
        /** What ``usePeople`` returned. */
        people: Object,
        /** Whether its values can be refused. */
        hasVariables: Boolean,
    };

    setup() {
        this.people = useState(this.props.people);
    }

    get position() {
        const { offset, count, isMore } = this.people;
        return _t("%(position)s of %(count)s", {
            position: formatInteger(offset + 1),
            count: formatInteger(count) + (isMore ? "+" : ""),
        });
    }

    get isFirst() {
        return !this.people.offset;
    }

    get isLast() {
        const { offset, count } = this.people;
        return offset + 1 >= count;
    }

    /** Why nobody is shown. */
    get emptyText() {
        const { onlyProblems, isMore } = this.people;
        if (!onlyProblems) {
            return isMore
                ? _t("None of the first 2,000 people gets it. The audience says why.")
                : _t("Nobody gets it so far. Choose an audience: it says who is left out.");
        }
        return isMore
            ? _t("None of the first 2,000 people has a value that is refused.")
            : _t("Nobody has a value that is refused.");
    }

    get filterNote() {
        const { onlyProblems, isMore } = this.people;
        return onlyProblems && isMore ? _t("Among the first 2,000 people.") : "";
    }

    onKeydown(ev) {
        const forward = localization.direction === "rtl" ? "ArrowLeft" : "ArrowRight";
        const isArrow = ["ArrowLeft", "ArrowRight"].includes(ev.key);
        if (isArrow && ev.target.type !== "checkbox") {
            ev.preventDefault();
            ev.stopPropagation();
            this.people.step(ev.key === forward ? 1 : -1);
        }
    }
}
