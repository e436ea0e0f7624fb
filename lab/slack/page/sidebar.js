// Channels, direct messages and the app.
import { Avatar } from "./avatar.js";
import { Icon } from "./icons.js";
import { MenuButton } from "./popover.js";
import { goToChannel, openDirectMessage } from "./session.js";
import { cast, channelName, state } from "./state.js";
import { classes, html } from "./ui.js";

export function Sidebar({ open, onClose }) {
  const all = Object.values(state.channels);
  const of = (...kinds) => all.filter((channel) => kinds.includes(channel.kind)).sort(byName);
  const pick = (channel) => {
    goToChannel(channel.id);
    onClose();
  };
  const section = (title, channels, action) => html`<section>
    <header><h2>${title}</h2>${action}</header>
    <ul>${channels.map((channel) => html`<li><${Entry} channel=${channel} onPick=${() => pick(channel)} /></li>`)}</ul>
  </section>`;
  return html`
    ${open && html`<div class="scrim" onClick=${onClose}></div>`}
    <nav class=${classes("sidebar", open && "open")} aria-label="Channels and messages">
      <div class="workspace">
        <strong>Acme</strong>
        <button type="button" class="icon-button drawer-button" aria-label="Close" onClick=${onClose}><${Icon} name="close" /></button>
      </div>
      <div class="sidebar-scroll">
        ${section("Channels", of("channel", "private"))}
        ${section("Direct messages", of("im", "mpim"), html`<${NewMessage} onPick=${onClose} />`)}
        ${section("Apps", of("app"))}
      </div>
    </nav>
  `;
}

const byName = (a, b) => channelName(a).localeCompare(channelName(b));

function Entry({ channel, onPick }) {
  const current = state.place.channel === channel.id;
  const name = channelName(channel);
  const face = {
    channel: html`<${Icon} name="hash" />`,
    private: html`<${Icon} name="lock" />`,
    mpim: html`<${Icon} name="people" />`,
    im: html`<${Avatar} user=${channel.user} size="tiny" />`,
    app: html`<${Avatar} user=${state.app.bot_user_id} size="tiny" />`,
  }[channel.kind];
  const unread = channel.unread > 0 && !current;
  const mentions = channel.mentions === 1 ? ", 1 mention" : `, ${channel.mentions} mentions`;
  const told = channel.mentions > 0 ? mentions : unread ? ", unread" : "";
  return html`<button type="button" aria-current=${current ? "page" : undefined} aria-label=${`${name}${told}`}
    class=${classes("entry", current && "current", unread && "unread", !channel.is_member && "outside")} onClick=${onPick}>
    ${face}<span class="entry-name">${name}</span>
    ${channel.mentions > 0 && !current && html`<span class="count">${channel.mentions}</span>`}
    ${channel.kind === "app" && html`<span class=${classes("dot", state.app.connected && "on")}
      title=${state.app.connected ? "Connected" : "Not connected"}></span>`}
  </button>`;
}

function NewMessage({ onPick }) {
  const items = cast()
    .filter((one) => one.id !== state.me)
    .map((one) => ({
      label: one.real_name,
      hint: one.title,
      icon: html`<${Avatar} user=${one.id} size="small" />`,
      onSelect: () => openDirectMessage(one.id).then(onPick),
    }));
  return html`<${MenuButton} label="New message" items=${items} className="icon-button"><${Icon} name="plus" /><//>`;
}
