// A menu to choose from by typing: all of Slack's selects, single and multiple.
import { Icon } from "./icons.js";
import { Popover } from "./popover.js";
import { classes, html, useEffect, useId, useLayoutEffect, useRef, useState } from "./ui.js";

const PAUSE_MS = 200;

/**
 * A choice is {key, label, hint}, a group {label, choices}.
 * `chosen`: list of choices; `onChange`: called with the new list. `groups`: all there is, or
 * `load`: async (query) => groups, from `minQuery` characters on.
 */
export function Select({ chosen, onChange, many, max, placeholder, labelledby, field, ...source }) {
  const [open, setOpen] = useState(false);
  const box = useRef();
  const button = useRef();
  const shown = useId();
  const close = (byKey) => {
    setOpen(false);
    if (byKey) button.current.focus();
  };
  const toggle = (choice) => {
    const without = chosen.filter((one) => one.key !== choice.key);
    if (!many) {
      close(true);
      onChange([choice]);
    } else if (without.length < chosen.length) onChange(without);
    else if (!max || chosen.length < max) onChange([...chosen, choice]);
  };
  const text = many ? "" : chosen[0]?.label;
  return html`<div class=${classes("select", many && "many", field["aria-invalid"] && "invalid")} ref=${box}>
    ${many && chosen.map((choice) => html`<${Chip} choice=${choice} onRemove=${() => toggle(choice)} />`)}
    <button type="button" ref=${button} class=${classes("select-button", !text && "placeholder")} aria-haspopup="listbox"
      aria-expanded=${open} ...${field} aria-labelledby=${labelledby && `${labelledby} ${shown}`}
      onClick=${() => setOpen(!open)}>
      <span id=${shown}>${text || placeholder}</span><${Icon} name="chevron" />
    </button>
    ${open && html`<${Choices} anchor=${box} chosen=${chosen} many=${many} onToggle=${toggle} onClose=${close}
      placeholder=${placeholder} ...${source} />`}
  </div>`;
}

const Chip = ({ choice, onRemove }) => html`<span class="chip">
  ${choice.label}<button type="button" aria-label=${`Remove ${choice.label}`} onClick=${onRemove}><${Icon} name="close" /></button>
</span>`;

function Choices({ anchor, chosen, many, onToggle, onClose, placeholder, groups, load, minQuery = 0 }) {
  const [query, setQuery] = useState("");
  const [active, setActive] = useState(0);
  const { found, note } = useFound({ query, groups, load, minQuery });
  const list = useId();
  const input = useRef();
  const flat = found.flatMap((group) => group.choices);
  useLayoutEffect(() => input.current.focus(), []);
  useEffect(() => setActive(0), [query]);
  useEffect(() => document.getElementById(`${list}-${active}`)?.scrollIntoView({ block: "nearest" }), [active]);
  const onKeyDown = (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step && flat.length) setActive((active + step + flat.length) % flat.length);
    else if (event.key === "Enter" && flat[active]) onToggle(flat[active]);
    else if (event.key === "Tab") return onClose(true);
    else if (event.key !== "Enter") return;
    event.preventDefault(); // Enter chooses; it does not submit the form around
  };
  let index = -1;
  const option = (choice) => {
    index += 1;
    const selected = chosen.some((one) => one.key === choice.key);
    const mine = index;
    return html`<li id=${`${list}-${mine}`} role="option" aria-selected=${selected} class=${classes(mine === active && "active")}
      onPointerMove=${() => setActive(mine)} onClick=${() => onToggle(choice)}>
      <span class="menu-text"><span>${choice.label}</span>${choice.hint && html`<small>${choice.hint}</small>`}</span>
      ${selected && html`<${Icon} name="check" />`}
    </li>`;
  };
  return html`<${Popover} anchor=${anchor} onClose=${onClose} className="choices">
    <input ref=${input} type="text" role="combobox" aria-expanded="true" aria-autocomplete="list" aria-controls=${list}
      aria-activedescendant=${flat.length ? `${list}-${active}` : undefined} aria-label=${`Search: ${placeholder}`}
      placeholder="Type to search" value=${query} autocomplete="off"
      onInput=${(event) => setQuery(event.target.value)} onKeyDown=${onKeyDown} />
    <ul id=${list} role="listbox" aria-multiselectable=${many || undefined}>
      ${found.map((group) => [
        group.label && html`<li role="presentation" class="group-label">${group.label}</li>`,
        ...group.choices.map(option),
      ])}
    </ul>
    ${note && html`<p class="choices-note" role="status">${note}</p>`}
  <//>`;
}

/** The groups that fit the query, and a sentence where there is nothing to show. */
function useFound({ query, groups, load, minQuery }) {
  const [loaded, setLoaded] = useState({ groups: [], note: "" });
  useEffect(() => {
    if (!load) return undefined;
    if (query.length < minQuery) {
      const letters = minQuery === 1 ? "a letter" : `at least ${minQuery} letters`;
      return setLoaded({ groups: [], note: `Type ${letters} to search` });
    }
    // Slack asks at each keystroke; a short pause keeps fast typing from asking for what is outdated at once.
    let outdated = false;
    setLoaded((before) => ({ ...before, note: "Loading…" }));
    const timer = setTimeout(async () => {
      const answer = await load(query);
      if (!outdated) setLoaded(answer);
    }, query ? PAUSE_MS : 0);
    return () => {
      outdated = true;
      clearTimeout(timer);
    };
  }, [query]);
  const found = load ? loaded.groups : matching(groups, query);
  const nothing = found.every((group) => !group.choices.length);
  return { found, note: (load && loaded.note) || (nothing ? "No results" : "") };
}

function matching(groups, query) {
  const wanted = query.trim().toLowerCase();
  const fits = (choice) => choice.label.toLowerCase().includes(wanted);
  return groups
    .map((group) => ({ ...group, choices: group.choices.filter(fits) }))
    .filter((group) => group.choices.length);
}
