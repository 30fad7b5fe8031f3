/** Steps that several tours take. */

export const click = (trigger) => ({ trigger, run: "click" });

/** Presses a button of the form or, if one is open, of the dialog. */
export const press = (name) => click(`button[name=${name}]:enabled`);

export const confirm = (label) => click(`.modal footer .btn-primary:contains(${label})`);

export const isState = (label) => ({
    trigger: `body:not(:has(.modal)) .o_arrow_button_current:contains(${label})`,
});

export const pick = (label) => click(`.o_field_widget label.form-check-label:contains(/^${label}$/)`);

/** Chooses a record by its name. */
export const choose = (field, name) => [
    {
        trigger: `.o_field_widget[name=${field}] input`,
        run: `edit ${name}`,
    },
    click(`.o-autocomplete--dropdown-item > a:contains(${name})`),
];

export const edit = (field, value) => ({
    trigger: `.o_field_widget[name=${field}] input`,
    run: `edit ${value} && press Tab`,
});

/** Searches a list in one of its fields. */
export const search = (field, text) => [
    {
        trigger: ".o_searchview_input",
        run: `edit ${text}`,
    },
    click(`.o_searchview_autocomplete .o-dropdown-item:contains(${field})`),
];

/** The live figure of whom the draft reaches. */
export const reaches = (count) => ({
    trigger: `.o_whatsapp_audience_figures:not([aria-busy]) .o_whatsapp_reachable .fw-bold:contains(/^${count}$/)`,
});

export const leavesOut = (count, reason) => ({
    trigger: `.o_whatsapp_audience_figures li:contains(/^${count}\\s*${reason}/)`,
});

/** Leaves what was opened from a form for the form again. */
export const back = click(".o_breadcrumb .o_back_button, .breadcrumb-item a:last");

export const menu = (...labels) => [
    click(`.o_menu_sections button:contains(${labels[0]})`),
    click(`.o-dropdown-item:contains(${labels[1]})`),
];
