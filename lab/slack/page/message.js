// One message: who, when, what, and what can be done with it.
import * as api from "./api.js";
import { Avatar } from "./avatar.js";
import { Blocks, byKind } from "./blocks.js";
import { askConfirm, plain } from "./confirm.js";
import { FormProvider, useForm } from "./form.js";
import { Icon } from "./icons.js";
import { Mrkdwn } from "./mrkdwn.js";
import { MenuButton } from "./popover.js";
import { unescape } from "./references.js";
import { deleteMessage, dismiss, editMessage, openThread, runShortcut } from "./session.js";
import { isApp, nameOf, state } from "./state.js";
import { fullTimeOf, timeOf } from "./times.js";
import { classes, html, useEffect, useRef, useState } from "./ui.js";

/** `grouped`: it follows another message of the same person, so the name is not repeated. */
export function Message({ message, grouped, inThread, editing, onEdit }) {
  const { user, ephemeral, tombstone } = message;
  const name = message.username ?? nameOf(user);
  const compact = grouped && !ephemeral;
  return html`<article class=${classes("message", compact && "grouped", ephemeral && "ephemeral")} data-ts=${message.ts} tabindex="-1"
    aria-label=${`${name}, ${timeOf(message.ts)}`}>
    ${ephemeral && html`<p class="ephemeral-note"><${Icon} name="eye" /> Only visible to you</p>`}
    <div class="gutter">
      ${compact ? html`<${Time} ts=${message.ts} />` : html`<${Avatar} user=${tombstone ? null : user} />`}
    </div>
    <div class="message-main">
      ${!compact && html`<header>
        <span class="author">${tombstone ? "Deleted" : name}</span>
        ${(isApp(user) || message.bot_id) && html`<span class="badge">APP</span>`}
        <${Time} ts=${message.ts} />
      </header>`}
      ${editing ? html`<${Editor} message=${message} onDone=${() => onEdit(null)} />` : html`<${Content} message=${message} />`}
      ${!inThread && message.reply_count > 0 && html`<${ReplyBar} message=${message} />`}
      ${ephemeral && html`<button type="button" class="link dismiss" onClick=${() => dismiss(message)}>Dismiss message</button>`}
    </div>
    ${!ephemeral && !tombstone && !editing && html`<${Toolbar} message=${message} inThread=${inThread} onEdit=${onEdit} />`}
  </article>`;
}

const Time = ({ ts }) => html`<time dateTime=${new Date(Number(ts) * 1000).toISOString()} title=${fullTimeOf(ts)}>${timeOf(ts)}</time>`;

function Content({ message }) {
  const edited = message.edited && html`<span class="edited"> (edited)</span>`;
  return html`<div class=${classes("content", message.tombstone && "tombstone")}>
    ${message.blocks?.length
      ? html`<${MessageBlocks} message=${message} />`
      : html`<div class="text"><${Mrkdwn} text=${message.text ?? ""} />${edited}</div>`}
    ${message.blocks?.length > 0 && edited}
    ${(message.attachments ?? []).map((attachment) => html`<${Attachment} of=${attachment} />`)}
    ${message.files?.length > 0 && html`<div class="files">${message.files.map((file) => html`<${File} file=${file} />`)}</div>`}
  </div>`;
}

function MessageBlocks({ message }) {
  const form = useForm({ channel: message.channel, ts: message.ts }, message.blocks);
  return html`<${FormProvider} value=${form}><${Blocks} blocks=${message.blocks} keyOf=${byKind} /><//>`;
}

/** Attachments are an older form of message; only their text is shown. */
const Attachment = ({ of }) => html`<div class="attachment">
  ${of.pretext && html`<p><${Mrkdwn} text=${of.pretext} /></p>`}
  ${of.title && html`<p><strong>${of.title}</strong></p>`}
  ${of.text && html`<p><${Mrkdwn} text=${of.text} /></p>`}
  ${!of.text && of.fallback && html`<p>${of.fallback}</p>`}
</div>`;

const IMAGES = ["image/png", "image/jpeg", "image/gif"];

const File = ({ file }) => IMAGES.includes(file.mimetype)
  ? html`<figure class="picture"><figcaption>${file.title}</figcaption>
      <img src=${api.downloadAddress(state.me, file)} alt=${file.alt_txt ?? file.title ?? ""} /></figure>`
  : html`<a class="file" href=${api.downloadAddress(state.me, file)} download=${file.name}>
  <${Icon} name="file" /><span><span>${file.title ?? file.name ?? "File"}</span><small>${sizeOf(file)}</small></span>
</a>`;

function sizeOf({ size, pretty_type: type }) {
  if (size === undefined) return "";
  const shown = size < 1000 ? `${size} bytes` : size < 1e6 ? `${(size / 1e3).toFixed(1)} kB` : `${(size / 1e6).toFixed(1)} MB`;
  return [type, shown].filter(Boolean).join(", ");
}

const ReplyBar = ({ message }) => html`<button type="button" class="reply-bar" onClick=${() => openThread(message.ts)}>
  <span class="faces">${(message.reply_users ?? []).map((user) => html`<${Avatar} user=${user} size="small" />`)}</span>
  <span class="link">${message.reply_count === 1 ? "1 reply" : `${message.reply_count} replies`}</span>
  ${message.latest_reply && html`<small>Last reply at ${timeOf(message.latest_reply)}</small>`}
</button>`;

function Toolbar({ message, inThread, onEdit }) {
  const mine = message.user === state.me && message.subtype !== "slash_command";
  const items = [
    ...state.app.message_shortcuts.map((shortcut) => ({
      label: shortcut.name,
      hint: `${state.app.name}${shortcut.description ? ` · ${shortcut.description}` : ""}`,
      icon: "bolt",
      onSelect: () => runShortcut(shortcut, message),
    })),
    ...(state.app.message_shortcuts.length && mine ? [null] : []),
    ...(mine ? [
      { label: "Edit message", icon: "pencil", onSelect: () => onEdit(message.ts) },
      { label: "Delete message", icon: "trash", danger: true, onSelect: () => confirmDelete(message) },
    ] : []),
  ];
  return html`<div class="toolbar" role="toolbar" aria-label="Message actions">
    ${!inThread && html`<button type="button" class="icon-button" aria-label="Reply in thread" title="Reply in thread"
      onClick=${() => openThread(message.thread_ts ?? message.ts)}><${Icon} name="reply" /></button>`}
    ${items.length > 0 && html`<${MenuButton} label="More actions" items=${items} className="icon-button" align="end"><${Icon} name="more" /><//>`}
  </div>`;
}

async function confirmDelete(message) {
  const agreed = await askConfirm({
    title: plain("Delete message"),
    text: plain("Are you sure you want to delete this message? This cannot be undone."),
    confirm: plain("Delete"),
    deny: plain("Cancel"),
    style: "danger",
  });
  if (agreed) deleteMessage(message);
}

function Editor({ message, onDone }) {
  const [text, setText] = useState(asTyped(message.text));
  const [trouble, setTrouble] = useState("");
  const input = useRef();
  useEffect(() => input.current.focus(), []);
  const save = async () => {
    try {
      if (text.trim()) await editMessage(message, text);
      onDone();
    } catch (error) {
      setTrouble(error.message);
    }
  };
  const onKeyDown = (event) => {
    if (event.key === "Escape") onDone();
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      save();
    }
  };
  return html`<div class="editor">
    <textarea ref=${input} rows="2" aria-label="Edit message" value=${text} onInput=${(event) => setText(event.target.value)}
      onKeyDown=${onKeyDown}></textarea>
    ${trouble && html`<p class="field-error" role="alert">${trouble}</p>`}
    <div class="editor-buttons">
      <button type="button" class="button" onClick=${onDone}>Cancel</button>
      <button type="button" class="button primary" onClick=${save}>Save</button>
    </div>
  </div>`;
}

/** The text as a person would type it: references by name. */
const asTyped = (text) =>
  unescape(
    (text ?? "")
      .replace(/<@([UW]\w+)(?:\|[^>]*)?>/g, (_, user) => `@${nameOf(user)}`)
      .replace(/<#\w+\|([^>]+)>/g, "#$1")
      .replace(/<!subteam\^\w+\|([^>]+)>/g, "$1")
      .replace(/<!(here|channel|everyone)>/g, "@$1")
      .replace(/<(?:mailto:)?([^>|]+)(?:\|[^>]*)?>/g, "$1"),
  );
