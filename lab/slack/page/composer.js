// Where one writes: Enter sends, Shift+Enter starts a line, "/", "@" and "#" offer completions.
import * as api from "./api.js";
import { Completions, commandIn, completionsAt } from "./completion.js";
import { Icon } from "./icons.js";
import { MenuButton } from "./popover.js";
import { runShortcut, send } from "./session.js";
import { state } from "./state.js";
import { classes, html, useEffect, useId, useLayoutEffect, useRef, useState } from "./ui.js";

export function Composer({ channel, thread, label, onEditLast }) {
  const draft = useDraft(`${state.me}/${channel}/${thread ?? ""}`);
  const { text, setText } = draft;
  const [files, setFiles] = useState([]);
  const [trouble, setTrouble] = useState("");
  const input = useRef();
  const picker = useRef();
  const completing = useCompleting(input, text, setText);

  useLayoutEffect(() => {
    input.current.style.height = "auto";
    input.current.style.height = `${input.current.scrollHeight}px`;
  }, [text]);
  useEffect(() => {
    if (matchMedia("(hover: hover)").matches) input.current.focus(); // on a phone it would open the keyboard
  }, [channel, thread]);

  const submit = () => {
    if (!text.trim() && !files.length) return;
    send({ channel, thread, text: text.trim(), files });
    setText("");
    setFiles([]);
  };
  const onKeyDown = (event) => {
    if (completing.onKeyDown(event) || event.isComposing) return;
    if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      submit();
    } else if (event.key === "ArrowUp" && !text) {
      event.preventDefault();
      onEditLast?.();
    }
  };
  const attach = async (event) => {
    const picked = [...event.target.files];
    event.target.value = "";
    try {
      const uploaded = await Promise.all(picked.map((file) => api.upload(state.me, file)));
      setFiles((before) => [...before, ...uploaded]);
      setTrouble("");
    } catch (error) {
      setTrouble(error.message);
    }
    input.current.focus();
  };

  return html`<div class="composer">
    ${completing.shown && html`<${Completions} id=${completing.id} ...${completing.shown} active=${completing.active}
      onActive=${completing.setActive} onChoose=${completing.accept} />`}
    <${CommandHint} text=${text} thread=${thread} />
    <div class="composer-box">
      <textarea ref=${input} rows="1" aria-label=${label} placeholder=${label} value=${text} autocomplete="off"
        aria-autocomplete="list" aria-controls=${completing.shown ? completing.id : undefined}
        aria-activedescendant=${completing.shown ? `${completing.id}-${completing.active}` : undefined}
        onInput=${(event) => { setText(event.target.value); completing.onCaret(); }} onKeyDown=${onKeyDown}
        onKeyUp=${completing.onCaret} onClick=${completing.onCaret} onBlur=${completing.close}></textarea>
      ${files.length > 0 && html`<div class="composer-files">${files.map((file) => html`<span class="chip"><${Icon} name="file" />${file.name}
        <button type="button" aria-label=${`Remove ${file.name}`} onClick=${() => setFiles(files.filter((one) => one !== file))}>
          <${Icon} name="close" /></button></span>`)}</div>`}
      ${trouble && html`<p class="field-error" role="alert">${trouble}</p>`}
      <div class="composer-bar">
        <${MenuButton} label="Attach and shortcuts" items=${plusItems(() => picker.current.click())} 
          className="icon-button round"><${Icon} name="plus" /><//>
        <input ref=${picker} type="file" multiple hidden onChange=${attach} />
        <span class="composer-keys" aria-hidden="true"><b>Shift + Enter</b> for a new line</span>
        <button type="button" class=${classes("send", (text.trim() || files.length) && "ready")} aria-label="Send" title="Send"
          disabled=${!text.trim() && !files.length} onClick=${submit}><${Icon} name="send" /></button>
      </div>
    </div>
  </div>`;
}

const plusItems = (pick) => [
  { label: "Upload from your computer", icon: "file", onSelect: pick },
  ...state.app.global_shortcuts.map((shortcut) => ({
    label: shortcut.name,
    hint: `${state.app.name}${shortcut.description ? ` · ${shortcut.description}` : ""}`,
    icon: "bolt",
    onSelect: () => runShortcut(shortcut),
  })),
];

/** How the command goes on, or why it will not work. */
function CommandHint({ text, thread }) {
  const command = commandIn(text);
  if (!command) return null;
  if (thread) return html`<p class="command-hint warning"><${Icon} name="warning" /> Commands do not work in threads.</p>`;
  if (!state.app.connected) {
    return html`<p class="command-hint warning">
      <${Icon} name="warning" /> ${state.app.name} is not connected, so ${command.command} will fail.
    </p>`;
  }
  return html`<p class="command-hint">
    <${Icon} name="bolt" /> <b>${command.command}</b> ${[command.usage_hint, command.description].filter(Boolean).join(" · ")}</p>`;
}

/** What was typed and not sent, kept over a reload and over looking elsewhere. */
function useDraft(place) {
  const key = `prime-lab.draft.${place}`;
  const [draft, setDraft] = useState({});
  const text = draft.key === key ? draft.text : sessionStorage.getItem(key) ?? "";
  const setText = (next) => {
    if (next) sessionStorage.setItem(key, next);
    else sessionStorage.removeItem(key);
    setDraft({ key, text: next });
  };
  return { text, setText };
}

function useCompleting(input, text, setText) {
  const id = useId();
  const [caret, setCaret] = useState(0);
  const [active, setActive] = useState(0);
  const [closedFor, setClosedFor] = useState(null);
  const found = completionsAt(text, Math.min(caret, text.length));
  const shown = found && found.typed !== closedFor && document.activeElement === input.current ? found : null;
  const current = Math.min(active, (shown?.choices.length ?? 1) - 1);

  const accept = (choice) => {
    const after = text.slice(caret).replace(/^ /, "");
    setText(`${text.slice(0, found.start)}${choice.insert} ${after}`);
    const end = found.start + choice.insert.length + 1;
    requestAnimationFrame(() => input.current?.setSelectionRange(end, end));
    setCaret(end);
    setActive(0);
    input.current.focus();
  };
  /** Whether the key was for the completions. */
  const onKeyDown = (event) => {
    if (!shown || event.isComposing) return false;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const choice = shown.choices[current];
    // Whoever has typed the whole word means to send it.
    const complete = choice.insert.toLowerCase() === shown.typed.trimEnd().toLowerCase();
    if (step) setActive((current + step + shown.choices.length) % shown.choices.length);
    else if (event.key === "Escape") setClosedFor(shown.typed);
    else if (event.key === "Tab" || (event.key === "Enter" && !event.shiftKey && !complete)) accept(choice);
    else return false;
    event.preventDefault();
    return true;
  };
  return {
    id, shown, active: current, setActive, accept, onKeyDown,
    onCaret: () => setCaret(input.current.selectionStart),
    close: () => setClosedFor(found?.typed ?? null),
  };
}
