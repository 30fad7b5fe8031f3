import { _t } from "@web/core/l10n/translation";

const SPECIFICATION = {
    language: {},
    header_type: {},
    header_text: {},
    body: {},
    footer: {},
    button_ids: { fields: { index: {}, kind: {}, text: {} } },
    variable_ids: {
        fields: {
            component: {},
            name: {},
            button_index: {},
            sample: {},
            value_type: {},
            text: {},
            fallback: {},
            lead_path: {},
            partner_path: {},
            is_tracked: {},
        },
    },
};

/** @returns {Promise<Object|null>} the template with its variables and buttons */
export async function loadTemplate(orm, id) {
    if (!id) {
        return null;
    }
    const [template] = await orm.webRead("whatsapp.broadcast.template", [id], {
        specification: SPECIFICATION,
    });
    return template || null;
}

/** @returns {string} the variable's name in ``template_params``: body.1, button.0 */
export function variableKey({ component, name, button_index }) {
    return `${component}.${component === "button" ? button_index : name}`;
}

/** @returns {string} what people call the variable */
export function variableLabel({ component, name, button_index }) {
    return {
        header: _t("Header {{%s}}", name),
        body: _t("Body {{%s}}", name),
        button: _t("Button %s", button_index + 1),
    }[component];
}
