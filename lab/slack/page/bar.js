// The slim bar on top is the lab's own, not Slack's: who one is, what is broken on purpose, whether the app is there.
import { Avatar } from "./avatar.js";
import { Icon } from "./icons.js";
import { MenuButton, Popover } from "./popover.js";
import { switchFault, switchTo } from "./session.js";
import { cast, nameOf, person, state } from "./state.js";
import { nextTheme, theme } from "./theme.js";
import { classes, html, useId, useRef, useState } from "./ui.js";

export const Bar = () => html`<header class="bar">
  <${People} />
  <span class="bar-space"></span>
  <${AppStatus} />
  <${Faults} />
  <${ThemeButton} />
</header>`;

function People() {
  const me = person(state.me);
  const items = cast().map((one) => ({
    label: one.real_name,
    hint: one.title ? `${one.kind} · ${one.title}` : one.kind,
    icon: html`<${Avatar} user=${one.id} size="small" />`,
    current: one.id === state.me,
    onSelect: () => switchTo(one.id),
  }));
  return html`<${MenuButton} label=${`You are ${me.real_name}, ${me.kind}. Switch person`} items=${items}
    className="bar-button people">
    <${Avatar} user=${state.me} size="small" />
    <span class="bar-name">${nameOf(state.me)}</span><span class="kind">${me.kind}</span><${Icon} name="chevron" />
  <//>`;
}

function AppStatus() {
  const { name, connected } = state.app;
  const fine = state.live && connected;
  const text = !state.live ? "Reconnecting…" : connected ? `${name} is connected` : `${name} is not connected`;
  return html`<span class=${classes("bar-status", !fine && "away")} role="status">
    <span class=${classes("dot", fine && "on")}></span><span class="bar-status-text">${text}</span>
  </span>`;
}

function Faults() {
  const [open, setOpen] = useState(false);
  const button = useRef();
  const on = state.faults.filter((fault) => fault.on).length;
  const close = (byKey) => {
    setOpen(false);
    if (byKey) button.current.focus();
  };
  return html`
    <button type="button" ref=${button} class=${classes("bar-button", on && "alarm")} aria-haspopup="dialog" aria-expanded=${open}
      onClick=${() => setOpen(!open)}><${Icon} name="bolt" /> Faults${on > 0 && html` <span class="count">${on}</span>`}</button>
    ${open && html`<${Popover} anchor=${button} onClose=${close} align="end" className="faults" role="dialog" aria-label="Faults">
      <h2>Break something</h2>
      <p>How the world around ${state.app.name} misbehaves, until it is switched off.</p>
      <ul>${state.faults.map((fault) => html`<${Fault} key=${fault.name} fault=${fault} />`)}</ul>
    <//>`}
  `;
}

function Fault({ fault }) {
  const id = useId();
  return html`<li>
    <button type="button" role="switch" aria-checked=${fault.on} aria-labelledby=${id} aria-describedby=${`${id}-text`} class="switch"
      onClick=${() => switchFault(fault.name, !fault.on)}></button>
    <div><b id=${id}>${fault.name}</b><small id=${`${id}-text`}>${fault.description}</small></div>
  </li>`;
}

const THEMES = { auto: ["auto", "as the system"], light: ["sun", "light"], dark: ["moon", "dark"] };

function ThemeButton() {
  const [icon, name] = THEMES[theme()];
  return html`<button type="button" class="bar-button" aria-label=${`Colours: ${name}`} title=${`Colours: ${name}`}
    onClick=${nextTheme}><${Icon} name=${icon} /></button>`;
}
