import { Component, useState } from "@odoo/owl";
import { _t } from "@web/core/l10n/translation";
import { ModelFieldSelector } from "@web/core/model_field_selector/model_field_selector";
import { registry } from "@web/core/registry";
import { KeepLast } from "@web/core/utils/concurrency";
import { useService } from "@web/core/utils/hooks";
import { useRecordObserver } from "@web/model/relational_model/utils";
import { standardFieldProps } from "@web/views/fields/standard_field_props";

import { loadTemplate, variableKey, variableLabel } from "./template_loader";

/** Field types that have no text to write to a person. */
const NO_TEXT = ["binary", "html", "json", "many2many", "one2many", "properties", "separator"];

/** Where a broadcast's own value may come from, as ``template_params`` names it. */
const SOURCES = ["field", "text", "user", "column"];

/** Lets a salesperson say where each variable of the template gets its value from. */
export class VariablesField extends Component {
    static template = "whatsapp_broadcast.VariablesField";
    static components = { ModelFieldSelector };
    static props = standardFieldProps;

    setup() {
        this.orm = useService("orm");
        this.keepLast = new KeepLast();
        // A source that has no value yet is in no way part of the record.
        this.state = useState({ variables: [], sources: {} });
        // nothing is returned: the form does not wait for the template
        useRecordObserver((record) => {
            this.follow(record);
        });
    }

    async follow({ data }) {
        const id = data.template_id?.id;
        const version = `${id}-${data.template_version}`;
        if (version !== this.version) {
            this.version = version;
            const template = await this.keepLast.add(loadTemplate(this.orm, id));
            this.state.sources = {};
            this.state.variables = template?.variable_ids || [];
        }
    }

    get model() {
        return this.props.record.data.audience_model;
    }

    get params() {
        return this.props.record.data[this.props.name] || {};
    }

    get rows() {
        return this.state.variables.map((variable) => {
            const key = variableKey(variable);
            const value = this.asObject(this.params[key]);
            return {
                key,
                value,
                label: variableLabel(variable),
                sample: variable.is_tracked ? "" : variable.sample,
                isTracked: variable.is_tracked,
                source: this.state.sources[key] || this.sourceOf(value, variable),
                byTemplate: this.byTemplate(variable),
                templateFallback: variable.fallback,
            };
        });
    }

    asObject(value) {
        return typeof value === "string" ? { text: value } : value || {};
    }

    sourceOf(value, variable) {
        const isLeft = variable.is_tracked && !this.byTemplate(variable);
        return SOURCES.find((source) => value[source]) || (isLeft ? "text" : "template");
    }

    /** What the template itself says, or "" if each broadcast must say it. */
    byTemplate({ value_type, text, lead_path, partner_path }) {
        const path = this.model === "crm.lead" ? lead_path : partner_path;
        return {
            none: "",
            recipient_name: _t("Recipient's name"),
            field: path ? _t("Field %s", path) : "",
            text: text ? _t("“%s”", text) : "",
            user_name: _t("Sender's name"),
            user_phone: _t("Sender's phone"),
            user_email: _t("Sender's e-mail"),
        }[value_type];
    }

    get sameForAll() {
        return _t("The same for everyone");
    }

    get userChoices() {
        return [
            ["name", _t("Name")],
            ["phone", _t("Phone")],
            ["email", _t("E-mail")],
        ];
    }

    userChoice(name) {
        return this.userChoices.find(([choice]) => choice === name)?.[1];
    }

    /** Names of columns, where the audience is a set that was pasted or imported. */
    get columns() {
        const { audience_type, custom_columns } = this.props.record.data;
        return audience_type === "custom" ? custom_columns || [] : [];
    }

    hasText({ type }) {
        return !NO_TEXT.includes(type);
    }

    isMissing({ source, value, byTemplate }) {
        return source === "template" ? !byTemplate : !value[source];
    }

    async onSourceChange(row, source) {
        this.state.sources[row.key] = source;
        await this.write(row.key, source === "user" ? { user: "name" } : {});
    }

    onValueChange(row, values) {
        return this.write(row.key, { ...row.value, ...values });
    }

    /** Keeps the variables that the template has; a value that is empty is none. */
    write(key, value) {
        const params = {};
        for (const row of this.rows) {
            const present = row.key === key ? value : row.value;
            if (SOURCES.some((source) => present[source])) {
                params[row.key] = present;
            }
        }
        const isSet = Object.keys(params).length;
        return this.props.record.update({ [this.props.name]: isSet ? params : false });
    }
}

registry.category("fields").add("whatsapp_variables", {
    component: VariablesField,
    displayName: _t("WhatsApp Variables"),
    supportedTypes: ["json"],
    fieldDependencies: [
        { name: "template_id", type: "many2one" },
        { name: "template_version", type: "char" },
        { name: "audience_type", type: "selection" },
        { name: "custom_columns", type: "json" },
        { name: "audience_model", type: "selection" },
    ],
    isEmpty: () => false,
});
