/* global axe */
import { Component } from "@odoo/owl";
import { loadJS } from "@web/core/assets";
import { rpcBus } from "@web/core/network/rpc";

const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

const FOCUSABLE = "a[href], button, input, select, textarea, summary, [tabindex]";

const WIDGETS = [
    "audience_figures",
    "conversation",
    "costs",
    "dashboard",
    "failures",
    "health",
    "message_preview",
    "progress",
    "text_field",
    "variables",
    "variants",
]
    .map((name) => `.o_whatsapp_${name}`)
    .join();

/** How long a screen may take, in milliseconds. */
const PATIENCE = 20000;

let waiting = 0;
rpcBus.addEventListener("RPC:REQUEST", () => waiting++);
rpcBus.addEventListener("RPC:RESPONSE", () => waiting--);

const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));

/** Resolves when `selector` is there and nothing was asked of the server for a while. */
async function shown(selector) {
    const deadline = Date.now() + PATIENCE;
    for (let quiet = 0; quiet < 10; ) {
        await frame();
        quiet = waiting || !document.querySelector(selector) ? 0 : quiet + 1;
        if (Date.now() > deadline) {
            throw new Error(`${selector} was not shown`);
        }
    }
}

/** Opens a screen, `{action, options, click, ready}`, instead of the one before. */
odoo.openScreen = async ({ action, options, click, ready }) => {
    const actions = Component.env.services.action;
    await actions.doAction({ type: "ir.actions.act_window_close" });
    await actions.doAction(action, { clearBreadcrumbs: true, ...options });
    for (const selector of click) {
        await shown(selector);
        document.querySelector(selector).click();
    }
    await shown(ready);
};

function isLeftOut(rule, target, leftOut) {
    const element = document.querySelector(target);
    return leftOut.some((one) => one.rule === rule && element?.matches(one.selector));
}

async function lookAtScreen(screen, { scope, frame, leftOut }) {
    await odoo.openScreen(screen);
    const { violations } = await axe.run(
        { include: screen.scope || scope, exclude: frame },
        { runOnly: RULES, resultTypes: ["violations"] }
    );
    const found = violations.flatMap(({ id, help, nodes }) =>
        nodes
            .filter(({ target }) => !isLeftOut(id, target.flat().join(" "), leftOut))
            .map((node) => `${screen.name} | ${id}: ${help} | ${told(node)}`)
    );
    const byKey = [...unreachable(), ...withoutFocus()];
    return [...found, ...byKey.map((line) => `${screen.name} | keyboard: ${line}`)];
}

const named = (element) => element.outerHTML.slice(0, 200);

/** What takes a click in our widgets, and no key. */
function unreachable() {
    return ours("*")
        .filter((element) => getComputedStyle(element).cursor === "pointer")
        .filter((element) => !element.closest(`${FOCUSABLE}, label`))
        .map((element) => `not reached by Tab | ${named(element)}`);
}

/** What in our widgets looks the same with and without the focus. */
function withoutFocus() {
    const before = document.activeElement;
    const found = ours(FOCUSABLE)
        .filter((element) => element.tabIndex >= 0 && !element.disabled && element.checkVisibility())
        .filter((element) => {
            document.activeElement.blur(); // it may be in the same box
            const calm = look(element);
            element.focus({ preventScroll: true });
            return document.activeElement !== element || look(element) === calm;
        })
        .map((element) => `focus cannot be seen | ${named(element)}`);
    before.focus({ preventScroll: true });
    return found;
}

function ours(selector) {
    const widgets = document.querySelectorAll(WIDGETS);
    return [...new Set([...widgets].flatMap((one) => [...one.querySelectorAll(selector)]))];
}

/** What may change with the focus, of an element or the boxes around it. */
function look(element) {
    const box = element.closest(".o_whatsapp_text_field");
    return [element, element.parentElement, box]
        .map((one) => (one ? getComputedStyle(one) : {}))
        .map((style) => [style.outline, style.boxShadow, style.border, style.backgroundColor])
        .join();
}

function told({ html, target, any, all, none }) {
    const reasons = [...any, ...all, ...none].map(({ message }) => message);
    return [html.slice(0, 200), target.flat().join(" "), reasons.slice(0, 2).join("; ")].join(" | ");
}

/** Looks at each screen with axe; what is wrong is one error of the console. */
odoo.lookAtScreens = async (screens, { axeUrl, ...options }) => {
    await loadJS(axeUrl);
    const style = document.createElement("style");
    // Halfway through a fade no contrast is right.
    style.textContent = "*, *::before, *::after { animation: none !important; transition: none !important }";
    document.head.append(style);
    const found = [];
    for (const screen of screens) {
        try {
            found.push(...(await lookAtScreen(screen, options)));
        } catch (error) {
            found.push(`${screen.name} | ${error.message}`);
        }
    }
    if (found.length) {
        console.error(`${found.length} barriers:\n${found.join("\n")}`);
    } else {
        console.log("test successful");
    }
};
