// The middle of the page: a channel or direct message, or the app with its tabs.
import { Avatar } from "./avatar.js";
import { Composer } from "./composer.js";
import { Home } from "./home.js";
import { Icon } from "./icons.js";
import { MessageList, useEditing } from "./message-list.js";
import { MenuButton } from "./popover.js";
import { go, joinChannel, setAppMember } from "./session.js";
import { channelName, channelOf, isDirect, state, topLevel } from "./state.js";
import { html } from "./ui.js";

export function Main({ onMenu }) {
  const { channel: id, tab } = state.place;
  const channel = channelOf(id);
  if (!channel) return html`<main class="main"><p class="empty">There is nothing that you can see here.</p></main>`;
  const shown = { home: Home, about: About }[tab] ?? Conversation;
  return html`<main class="main" aria-label=${channelName(channel)}>
    <${Header} channel=${channel} onMenu=${onMenu} />
    ${channel.kind === "app" && html`<${Tabs} current=${tab} />`}
    <${shown} key=${`${id}/${tab}`} channel=${channel} />
  </main>`;
}

function Header({ channel, onMenu }) {
  const direct = isDirect(channel);
  const face = direct
    ? html`<${Avatar} user=${channel.kind === "app" ? state.app.bot_user_id : channel.user} size="small" />`
    : html`<${Icon} name=${channel.kind === "private" ? "lock" : "hash"} />`;
  return html`<header class="channel-header">
    <button type="button" class="icon-button drawer-button" aria-label="Channels and messages" onClick=${onMenu}><${Icon} name="menu" /></button>
    <h1>${face}<span>${channelName(channel)}</span></h1>
    <span class="topic">${channel.topic}</span>
    ${!direct && html`<${MenuButton} label=${`${channel.members} members`} items=${memberItems(channel)} className="members" align="end">
      <${Icon} name="people" /> ${channel.members}<//>`}
  </header>`;
}

const memberItems = (channel) => [
  channel.has_app
    ? { label: `Remove ${state.app.name} from this channel`, icon: "close", onSelect: () => setAppMember(channel.id, false) }
    : { label: `Add ${state.app.name} to this channel`, icon: "plus", onSelect: () => setAppMember(channel.id, true) },
];

function Tabs({ current }) {
  const tabs = [
    state.app.home_enabled && ["home", "Home"],
    state.app.messages_enabled && ["messages", "Messages"],
    ["about", "About"],
  ].filter(Boolean);
  return html`<nav class="tabs" role="tablist" aria-label=${state.app.name}>
    ${tabs.map(([tab, name]) => html`<button type="button" role="tab" aria-selected=${tab === current}
      onClick=${() => go({ tab, thread: null })}>${name}</button>`)}
  </nav>`;
}

function Conversation({ channel }) {
  const messages = topLevel(channel.id);
  const { editing, onEdit, editLast } = useEditing(messages);
  const name = isDirect(channel) ? channelName(channel) : `#${channelName(channel)}`;
  const loaded = state.loaded.has(channel.id);
  return html`
    <${MessageList} label=${`Messages in ${name}`} messages=${messages} newFrom=${state.newFrom[channel.id]} place=${channel.id}
      intro=${loaded && html`<${Intro} channel=${channel} name=${name} />`}
      editing=${editing} onEdit=${onEdit} />
    ${channel.is_member
      ? html`<${Composer} channel=${channel.id} label=${`Message ${name}`} onEditLast=${editLast} />`
      : html`<${Join} channel=${channel} name=${name} />`}
  `;
}

function Intro({ channel, name }) {
  if (state.longer.has(channel.id)) return html`<p class="intro">Older messages are not shown.</p>`;
  const text = isDirect(channel) ? `This is the beginning of your messages with ${name}.` : `This is the beginning of ${name}.`;
  return html`<p class="intro">${text}</p>`;
}

const Join = ({ channel, name }) => html`<div class="join">
  <p>You are looking at <b>${name}</b></p>
  <button type="button" class="button primary" onClick=${() => joinChannel(channel.id)}>Join channel</button>
</div>`;

const About = () => html`<div class="about">
  <${Avatar} user=${state.app.bot_user_id} size="large" />
  <h2>${state.app.name} <span class="badge">APP</span></h2>
  <p>${state.app.description}</p>
  <p class=${state.app.connected ? "connected" : "disconnected"}>${state.app.connected ? "Connected" : "Not connected"}</p>
  ${state.app.commands.length > 0 && html`<h3>Commands</h3>
    <dl>${state.app.commands.map(({ command, usage_hint: usage, description }) => html`
      <dt><code>${command} ${usage}</code></dt><dd>${description}</dd>`)}</dl>`}
</div>`;
