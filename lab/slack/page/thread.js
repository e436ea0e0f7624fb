// A thread in the pane at the side.
import { Composer } from "./composer.js";
import { Icon } from "./icons.js";
import { MessageList, useEditing } from "./message-list.js";
import { closeThread } from "./session.js";
import { channelName, channelOf, inThread, isDirect, state, threadKey } from "./state.js";
import { html } from "./ui.js";

export function Thread() {
  const { channel: id, thread } = state.place;
  const channel = channelOf(id);
  const messages = inThread(id, thread);
  const { editing, onEdit, editLast } = useEditing(messages);
  const replies = messages.filter((message) => message.ts !== thread).length;
  const onKeyDown = (event) => {
    if (event.key === "Escape" && !event.defaultPrevented) closeThread();
  };
  return html`<aside class="thread" aria-label="Thread" onKeyDown=${onKeyDown}>
    <header class="channel-header">
      <h2>Thread</h2>
      <span class="topic">${isDirect(channel) ? "" : "#"}${channelName(channel)}</span>
      <button type="button" class="icon-button" aria-label="Close thread" title="Close thread"
        onClick=${closeThread}><${Icon} name="close" /></button>
    </header>
    <${MessageList} key=${thread} label="Thread" messages=${messages} inThread place=${thread}
      divide=${replies > 0 && html`<div class="divider replies"><span>${replies === 1 ? "1 reply" : `${replies} replies`}</span></div>`}
      intro=${state.loaded.has(threadKey(id, thread)) && !messages.length && html`<p class="intro">This message is not there any more.</p>`}
      editing=${editing} onEdit=${onEdit} />
    ${channel.is_member && html`<${Composer} channel=${id} thread=${thread} label="Reply…" onEditLast=${editLast} />`}
  </aside>`;
}
