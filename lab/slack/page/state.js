// What the page knows. Changed only through `change`, which has the page drawn again.

export const state = {
  /** "starting", "ready", or a sentence that says why the page cannot be shown. */
  status: "starting",
  /** Whether the stream of events is open. */
  live: false,
  me: null,
  people: {},
  channels: {},
  groups: {},
  app: null,
  faults: [],
  /** Where the person is: {me, channel, tab, thread}. */
  place: {},
  /** By channel: the messages by ts, thread replies and ephemeral ones among them. */
  messages: {},
  /** The channels and threads (`threadKey`) whose messages were read from the server. */
  loaded: new Set(),
  /** Channels that hold more messages than are shown. */
  longer: new Set(),
  /** By channel: the ts from which on messages were unread when the person came. */
  newFrom: {},
  /** The open modals, the top one last. */
  views: [],
  home: null,
};

const listeners = new Set();
let planned = false;

/** Several changes in one turn of the event loop are drawn once. */
export function change(changes = {}) {
  Object.assign(state, changes);
  if (planned) return;
  planned = true;
  queueMicrotask(() => {
    planned = false;
    listeners.forEach((listener) => listener());
  });
}

/** Returns a function that ends it. */
export function onChange(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export const threadKey = (channel, thread) => (thread ? `${channel}/${thread}` : channel);

// --- people and channels ---------------------------------------------------------------------

export const person = (id) => state.people[id];

export function nameOf(id) {
  const known = person(id);
  return known ? known.display_name || known.real_name : id;
}

export const isApp = (id) => state.app?.bot_user_id === id;

/** Those whom one can be: people, not programs, and not those who have left. */
export const cast = () => Object.values(state.people).filter((one) => !one.is_bot && !one.deleted && one.kind !== "bot");

export const channelOf = (id) => state.channels[id];
export const appChannel = () => Object.values(state.channels).find((channel) => channel.kind === "app");

export function channelName(channel) {
  if (channel.kind === "app") return state.app.name;
  if (channel.kind === "im") return channel.user === state.me ? `${nameOf(channel.user)} (you)` : nameOf(channel.user);
  if (channel.kind === "mpim") return channel.name.replace(/^mpdm-|-\d+$/g, "").split("--").join(", ");
  return channel.name;
}

export const isDirect = (channel) => ["im", "mpim", "app"].includes(channel.kind);

// --- messages --------------------------------------------------------------------------------

const messagesOf = (channel) => [...(state.messages[channel]?.values() ?? [])].sort((a, b) => (a.ts < b.ts ? -1 : 1));

const isReply = (message) => message.thread_ts && message.thread_ts !== message.ts;

/** What stands in the channel itself, oldest first. */
export const topLevel = (channel) =>
  messagesOf(channel).filter((message) => !isReply(message) || message.subtype === "thread_broadcast");

/** A thread's parent and replies, oldest first. */
export const inThread = (channel, thread) =>
  messagesOf(channel).filter((message) => message.ts === thread || message.thread_ts === thread);

export function putMessage(channel, message) {
  const known = (state.messages[channel] ??= new Map());
  known.set(message.ts, message);
}

/** Puts the messages in the place of all that were known of the channel (or of the thread), so that lost ones go. */
export function replaceMessages(channel, thread, messages) {
  const known = (state.messages[channel] ??= new Map());
  const outdated = thread ? inThread(channel, thread) : topLevel(channel);
  outdated.forEach((message) => !message.local && known.delete(message.ts));
  messages.forEach((message) => known.set(message.ts, message));
}

/** A sentence that only this person sees, and only until the next reload; told in Slackbot's name, as Slack does. */
export function addNote(channel, thread, text) {
  const newest = messagesOf(channel).at(-1)?.ts ?? "0";
  const ts = (Math.max(Date.now() / 1000, Number(newest)) + 0.000001).toFixed(6);
  const place = thread ? { thread_ts: thread } : {};
  putMessage(channel, { ts, user: "USLACKBOT", text, ephemeral: true, local: true, ...place });
  change();
}
