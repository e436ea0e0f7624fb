// Messages one under another: by days, grouped by who speaks, kept at the newest.
import { Message } from "./message.js";
import { state } from "./state.js";
import { dayOf } from "./times.js";
import { Fragment, html, useLayoutEffect, useRef, useState } from "./ui.js";

const GROUP_SECONDS = 300;
const NEAR_END_PIXELS = 80;

/** `newFrom`: the ts of the first unread message. `divide`: draws something after the first message (a thread's parent). */
export function MessageList({ label, messages, newFrom, inThread, intro, divide, place, editing, onEdit }) {
  const box = useRef();
  const atEnd = useRef(true);
  useLayoutEffect(() => {
    atEnd.current = true;
  }, [place]);
  useLayoutEffect(() => {
    if (atEnd.current) box.current.scrollTop = box.current.scrollHeight;
  });
  const onScroll = () => {
    const { scrollHeight, scrollTop, clientHeight } = box.current;
    atEnd.current = scrollHeight - scrollTop - clientHeight < NEAR_END_PIXELS;
  };
  return html`<div class="messages" ref=${box} onScroll=${onScroll} role="log" aria-label=${label} tabindex="0">
    <div class="messages-inner">
      ${intro}
      ${messages.map((message, index) => {
        const before = messages[index - 1];
        const newDay = !inThread && (!before || dayOf(before.ts) !== dayOf(message.ts));
        const isNew = newFrom === message.ts;
        return html`<${Fragment} key=${message.ts}>
          ${newDay && html`<${Divider} text=${dayOf(message.ts)} />`}
          ${isNew && html`<${Divider} text="New" isNew />`}
          <${Message} message=${message} inThread=${inThread} editing=${editing === message.ts} onEdit=${onEdit}
            grouped=${!newDay && !isNew && !(inThread && index === 1) && follows(before, message)} />
          ${divide && index === 0 && divide}
        <//>`;
      })}
    </div>
  </div>`;
}

const Divider = ({ text, isNew }) =>
  html`<div class=${isNew ? "divider new" : "divider"} role="separator" aria-label=${text}><span>${text}</span></div>`;

const follows = (before, message) =>
  before && before.user === message.user && !before.ephemeral && !before.tombstone && !message.tombstone &&
  before.username === message.username && !before.reply_count && message.ts - before.ts < GROUP_SECONDS;

/** Which message is being edited, and the last own one, for the arrow-up key of the composer. */
export function useEditing(messages) {
  const [editing, setEditing] = useState(null);
  const editLast = () => setEditing(messages.findLast((message) => message.user === state.me && !message.ephemeral)?.ts ?? null);
  return { editing, onEdit: setEditing, editLast };
}
