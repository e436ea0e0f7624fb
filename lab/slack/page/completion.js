// What the composer offers while one types: commands after "/", people and groups after "@", channels after "#".
import { Avatar } from "./avatar.js";
import { Icon } from "./icons.js";
import { cast, isDirect, person, state } from "./state.js";
import { classes, html, useEffect } from "./ui.js";

const MOST = 8;

/** `{start, choices}` for the word that ends at the caret, or null. A choice is {label, hint, insert, face}. */
export function completionsAt(text, caret) {
  const before = text.slice(0, caret);
  const command = /^\/\S*$/.exec(before);
  if (command) return offered(0, command[0], commands());
  const people = /(?:^|[\s(])(@[^@#\n]{0,30})$/.exec(before);
  if (people) return offered(caret - people[1].length, people[1], callable());
  const channels = /(?:^|[\s(])(#[\w-]*)$/.exec(before);
  if (channels) return offered(caret - channels[1].length, channels[1], namedChannels());
  return null;
}

function offered(start, typed, all) {
  const wanted = typed.toLowerCase();
  // The nearer the front the name that fits, the better: first names before last names.
  const rank = (choice) => choice.matches.findIndex((name) => name.toLowerCase().startsWith(wanted));
  const fitting = all.filter((choice) => rank(choice) >= 0);
  const choices = fitting.sort((a, b) => rank(a) - rank(b)).slice(0, MOST);
  return choices.length ? { start, typed, choices } : null;
}

/** The known command that the text runs. */
export const commandIn = (text) => state.app.commands.find(({ command }) => text.startsWith(`${command} `) || text === command);

const commands = () =>
  state.app.commands.map(({ command, description, usage_hint: usage }) => ({
    label: command, detail: usage, hint: description, insert: command, matches: [command], face: html`<${Icon} name="bolt" />`,
  }));

function callable() {
  const people = [...cast(), person(state.app.bot_user_id)].filter(Boolean).map((one) => {
    const name = one.display_name || one.real_name;
    const detail = name.toLowerCase() === one.real_name.toLowerCase() ? "" : one.real_name;
    const matches = [name, one.real_name, ...one.real_name.split(" ")].map((part) => `@${part}`);
    return { label: name, detail, hint: one.title, insert: `@${name}`, matches, face: html`<${Avatar} user=${one.id} size="small" />` };
  });
  const groups = Object.values(state.groups).map(({ handle, name }) => ({
    label: `@${handle}`, hint: name, insert: `@${handle}`, matches: [`@${handle}`], face: html`<${Icon} name="people" />`,
  }));
  const everyone = ["here", "channel"].map((word) => ({
    label: `@${word}`, hint: "Notify everyone in this channel", insert: `@${word}`, matches: [`@${word}`],
    face: html`<${Icon} name="people" />`,
  }));
  return [...people, ...groups, ...everyone];
}

const namedChannels = () =>
  Object.values(state.channels)
    .filter((channel) => !isDirect(channel))
    .map(({ name, topic, kind }) => ({
      label: name, hint: topic, insert: `#${name}`, matches: [`#${name}`],
      face: html`<${Icon} name=${kind === "private" ? "lock" : "hash"} />`,
    }));

export function Completions({ id, choices, active, onChoose, onActive }) {
  useEffect(() => document.getElementById(`${id}-${active}`)?.scrollIntoView({ block: "nearest" }), [active]);
  // Pressing the mouse must not take the focus from the text.
  return html`<ul id=${id} class="completions" role="listbox" aria-label="Suggestions" onMouseDown=${(event) => event.preventDefault()}>
    ${choices.map((choice, index) => html`<li id=${`${id}-${index}`} role="option" aria-selected=${index === active}
      class=${classes(index === active && "active")} onPointerMove=${() => onActive(index)} onClick=${() => onChoose(choice)}>
      <span class="face">${choice.face}</span>
      <span class="menu-text"><span><b>${choice.label}</b> <span class="detail">${choice.detail}</span></span>
        ${choice.hint && html`<small>${choice.hint}</small>`}</span>
    </li>`)}
  </ul>`;
}
