import { registry } from "@web/core/registry";
import { FormController } from "@web/views/form/form_controller";
import { formView } from "@web/views/form/form_view";
import { KanbanController } from "@web/views/kanban/kanban_controller";
import { kanbanView } from "@web/views/kanban/kanban_view";
import { ListController } from "@web/views/list/list_controller";
import { listView } from "@web/views/list/list_view";

import { Onboarding } from "../onboarding/onboarding";
import { useBroadcastProgress } from "./progress_hook";

/** A record that changes its state moves to another column or out of the filter. */
async function refreshListed(model, record) {
    const { state } = record.data;
    await record.load();
    if (record.data.state !== state) {
        await model.load();
    }
}

export class BroadcastFormController extends FormController {
    setup() {
        super.setup();
        useBroadcastProgress(
            () => [this.model.root],
            (record) => record.load()
        );
    }
}

export class BroadcastListController extends ListController {
    static template = "whatsapp_broadcast.ListView";
    static components = { ...ListController.components, Onboarding };

    setup() {
        super.setup();
        useBroadcastProgress(
            () => (this.model.useSampleModel ? [] : this.model.root.records),
            (record) => refreshListed(this.model, record)
        );
    }
}

export class BroadcastKanbanController extends KanbanController {
    static template = "whatsapp_broadcast.KanbanView";
    static components = { ...KanbanController.components, Onboarding };

    setup() {
        super.setup();
        useBroadcastProgress(
            () => (this.model.useSampleModel ? [] : this.model.root.records),
            (record) => refreshListed(this.model, record)
        );
    }
}

const views = registry.category("views");
views.add("whatsapp_broadcast_form", { ...formView, Controller: BroadcastFormController });
views.add("whatsapp_broadcast_list", { ...listView, Controller: BroadcastListController });
views.add("whatsapp_broadcast_kanban", {
    ...kanbanView,
    Controller: BroadcastKanbanController,
});
