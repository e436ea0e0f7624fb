// Block Kit's interactive elements.
//
// Each gets its `block`, the `element`, `labelledby` (the id of the text that names it, if one does) and `field`, the
// attributes that an input block puts on the control itself: id, aria-describedby, aria-invalid, aria-required.
import * as api from "./api.js";
import { useElement } from "./form.js";
import { Icon } from "./icons.js";
import { Text } from "./mrkdwn.js";
import { MenuButton } from "./popover.js";
import { SelectElement } from "./selects.js";
import { state } from "./state.js";
import { classes, html, useEffect, useRef, useState } from "./ui.js";

const DISPATCH_PAUSE_MS = 300;

export function Element({ block, element, labelledby, field = {} }) {
  const Drawn = ELEMENTS[element.type];
  if (!Drawn) return html`<span class="unknown">Element “${element.type}” cannot be shown here.</span>`;
  return html`<${Drawn} block=${block} element=${element} labelledby=${labelledby} field=${field} />
    <${Trouble} block=${block} element=${element} />`;
}

function Trouble({ block, element }) {
  const { trouble } = useElement(block, element);
  return trouble ? html`<span class="trouble" role="alert"><${Icon} name="warning" />${trouble}</span>` : null;
}

// --- what is pressed -------------------------------------------------------------------------

function Button({ block, element, labelledby }) {
  const { press, pending } = useElement(block, element);
  const common = {
    class: classes("button", element.style),
    "aria-label": element.accessibility_label,
    "aria-describedby": labelledby,
    "aria-busy": pending || undefined,
    onClick: () => press({ value: element.value }),
  };
  if (element.url && /^(https?:|mailto:)/i.test(element.url)) {
    return html`<a href=${element.url} target="_blank" rel="noopener noreferrer" ...${common}><${Text} of=${element.text} /></a>`;
  }
  return html`<button type="button" ...${common}><${Text} of=${element.text} /></button>`;
}

function FeedbackButtons({ block, element }) {
  const { press } = useElement(block, element);
  const [given, setGiven] = useState(null);
  const one = (button, icon) => html`<button type="button" class=${classes("icon-button", given === button.value && "pressed")}
    aria-pressed=${given === button.value} aria-label=${button.accessibility_label ?? button.text.text} title=${button.text.text}
    onClick=${() => { setGiven(button.value); press({ value: button.value }); }}><${Icon} name=${icon} /></button>`;
  return html`<span class="feedback">${one(element.positive_button, "up")}${one(element.negative_button, "down")}</span>`;
}

function IconButton({ block, element }) {
  const { press } = useElement(block, element);
  if (element.visible_to_user_ids && !element.visible_to_user_ids.includes(state.me)) return null;
  return html`<button type="button" class="icon-button" aria-label=${element.accessibility_label ?? element.text.text}
    title=${element.text.text} onClick=${() => press({ value: element.value })}><${Icon} name=${element.icon} /></button>`;
}

function Overflow({ block, element }) {
  const { press } = useElement(block, element);
  const items = element.options.map((option) => ({
    label: html`<${Text} of=${option.text} />`,
    hint: option.description?.text,
    href: option.url,
    onSelect: () => press({ selected_option: option }),
  }));
  return html`<${MenuButton} label="More options" items=${items} className="icon-button boxed" align="end"><${Icon} name="more" /><//>`;
}

// --- what is chosen --------------------------------------------------------------------------

function RadioButtons(props) {
  const { value, choose } = useElement(props.block, props.element);
  return html`<${Choices} ...${props} type="radio" isChosen=${(option) => value?.value === option.value} onChoose=${choose} />`;
}

function Checkboxes(props) {
  const { value, choose } = useElement(props.block, props.element);
  const isChosen = (option) => value.some((one) => one.value === option.value);
  // In the order of the definition, as Slack has them.
  const toggle = (toggled) =>
    choose(props.element.options.filter((option) => isChosen(option) !== (option.value === toggled.value)));
  return html`<${Choices} ...${props} type="checkbox" isChosen=${isChosen} onChoose=${toggle} />`;
}

function Choices({ block, element, labelledby, field, type, isChosen, onChoose }) {
  const { id, ...rest } = field;
  return html`<div class="choice-list" role=${type === "radio" ? "radiogroup" : "group"} aria-labelledby=${labelledby} ...${rest}>
    ${element.options.map((option, index) => html`<label class="choice">
      <input type=${type} id=${index ? undefined : id} name=${`${block.block_id}/${element.action_id}`}
        checked=${isChosen(option)} onChange=${() => onChoose(option)} />
      <span><${Text} of=${option.text} />${option.description && html`<small><${Text} of=${option.description} /></small>`}</span>
    </label>`)}
  </div>`;
}

// --- what is typed ---------------------------------------------------------------------------

/** Tells the app of typed text when its definition asks: at Enter (unless it says otherwise), or at each character. */
function useTyped(block, element) {
  const { value, set, dispatch } = useElement(block, element);
  const timer = useRef();
  const when = element.dispatch_action_config?.trigger_actions_on ?? ["on_enter_pressed"];
  useEffect(() => () => clearTimeout(timer.current), []);
  const take = (next) => {
    set(next);
    if (!block.dispatch_action || !when.includes("on_character_entered")) return;
    clearTimeout(timer.current);
    timer.current = setTimeout(dispatch, DISPATCH_PAUSE_MS);
  };
  const onKeyDown = (event) => {
    if (event.key !== "Enter" || event.shiftKey || !block.dispatch_action || !when.includes("on_enter_pressed")) return;
    if (element.multiline) return;
    event.preventDefault(); // the app is told; the form is not submitted
    clearTimeout(timer.current);
    dispatch();
  };
  return { value, take, onKeyDown };
}

const typed = (type, more = {}) =>
  function TypedInput({ block, element, labelledby, field }) {
    const { value, take, onKeyDown } = useTyped(block, element);
    const onInput = (event) => take(event.target.value || null);
    const common = {
      value: value ?? "",
      placeholder: element.placeholder?.text,
      "aria-label": field.id ? undefined : element.placeholder?.text,
      "aria-labelledby": labelledby,
      autofocus: element.focus_on_load,
      maxLength: element.max_length,
      onInput,
      onKeyDown,
      ...more,
      ...field,
    };
    return element.multiline ? html`<textarea rows="4" ...${common}></textarea>` : html`<input type=${type} ...${common} />`;
  };

const richTextOf = (text) => ({
  type: "rich_text",
  elements: [{ type: "rich_text_section", elements: [{ type: "text", text }] }],
});

const textOf = (richText) =>
  (richText?.elements ?? [])
    .map((part) => (part.elements ?? []).map((leaf) => leaf.text ?? leaf.url ?? "").join(""))
    .join("\n");

function RichTextInput({ block, element, field }) {
  const { value, take, onKeyDown } = useTyped(block, { ...element, multiline: true });
  return html`<textarea rows="4" value=${textOf(value)} placeholder=${element.placeholder?.text} autofocus=${element.focus_on_load}
    onInput=${(event) => take(event.target.value ? richTextOf(event.target.value) : null)} onKeyDown=${onKeyDown} ...${field}></textarea>`;
}

// --- dates -----------------------------------------------------------------------------------

const pad = (number) => String(number).padStart(2, "0");

function localTime(epoch) {
  const at = new Date(epoch * 1000);
  return `${at.getFullYear()}-${pad(at.getMonth() + 1)}-${pad(at.getDate())}T${pad(at.getHours())}:${pad(at.getMinutes())}`;
}

const picker = (type, toText = (value) => value, toValue = (text) => text) =>
  function Picker({ block, element, labelledby, field }) {
    const { value, choose } = useElement(block, element);
    return html`<input type=${type} value=${value ? toText(value) : ""} aria-labelledby=${labelledby}
      aria-label=${field.id || labelledby ? undefined : element.placeholder?.text ?? type} autofocus=${element.focus_on_load}
      onChange=${(event) => choose(event.target.value ? toValue(event.target.value) : null)} ...${field} />`;
  };

// --- files -----------------------------------------------------------------------------------

function FileInput({ block, element, field }) {
  const { value, set } = useElement(block, element);
  const [trouble, setTrouble] = useState("");
  const most = element.max_files ?? 10;
  const take = async (event) => {
    const picked = [...event.target.files].slice(0, most - value.length);
    event.target.value = "";
    try {
      set([...value, ...(await Promise.all(picked.map((file) => api.upload(state.me, file))))]);
      setTrouble("");
    } catch (error) {
      setTrouble(error.message);
    }
  };
  const accept = element.filetypes?.map((type) => `.${type}`).join(",");
  return html`<div class="file-input">
    ${value.map((file) => html`<span class="chip"><${Icon} name="file" />${file.name}
      <button type="button" aria-label=${`Remove ${file.name}`} onClick=${() => set(value.filter((one) => one.id !== file.id))}>
        <${Icon} name="close" /></button></span>`)}
    ${value.length < most && html`<input type="file" multiple=${most > 1} accept=${accept} onChange=${take} ...${field} />`}
    ${trouble && html`<span class="trouble" role="alert">${trouble}</span>`}
  </div>`;
}

const SELECTS = ["static_select", "external_select", "users_select", "conversations_select", "channels_select"];

const ELEMENTS = {
  button: Button,
  workflow_button: Button,
  feedback_buttons: FeedbackButtons,
  icon_button: IconButton,
  overflow: Overflow,
  radio_buttons: RadioButtons,
  checkboxes: Checkboxes,
  plain_text_input: typed("text"),
  email_text_input: typed("email"),
  url_text_input: typed("url"),
  // A number field of the browser would swallow what is no number, and with it the error that Slack shows.
  number_input: typed("text", { inputMode: "decimal" }),
  rich_text_input: RichTextInput,
  datepicker: picker("date"),
  timepicker: picker("time"),
  datetimepicker: picker("datetime-local", localTime, (text) => Math.floor(new Date(text).getTime() / 1000)),
  file_input: FileInput,
  ...Object.fromEntries(SELECTS.flatMap((kind) => [[kind, SelectElement], [`multi_${kind}`, SelectElement]])),
};
