import { Component, onWillStart, useState } from "@odoo/owl";
import { _t } from "@web/core/l10n/translation";
import { registry } from "@web/core/registry";
import { useService } from "@web/core/utils/hooks";
import { standardWidgetProps } from "@web/views/widgets/standard_widget_props";

/** How number and template are: the provider is asked while the page is read. */
export class Health extends Component {
    static template = "whatsapp_broadcast.Health";
    static props = standardWidgetProps;

    setup() {
        this.orm = useService("orm");
        this.state = useState({ health: null });
        onWillStart(() => {
            this.ask(); // not waited for: the page is there at once
        });
    }

    async ask() {
        const { id } = this.props.record.data.broadcast_id;
        this.state.health = null;
        try {
            this.state.health = await this.orm.silent.call("whatsapp.broadcast", "get_health", [
                [id],
            ]);
        } catch {
            this.state.health = { error: _t("The server did not answer."), rows: [] };
            return;
        }
        await this.follow(this.state.health);
    }

    /** The provider may have said that the template is another one now. */
    async follow({ changes }) {
        const { record } = this.props;
        if (changes !== (record.data.template_changes || "")) {
            await record.save();
            await record.load();
        }
    }
}

registry.category("view_widgets").add("whatsapp_health", {
    component: Health,
    fieldDependencies: [
        { name: "broadcast_id", type: "many2one" },
        { name: "template_changes", type: "char" },
    ],
});
