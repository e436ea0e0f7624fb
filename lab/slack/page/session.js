// Being somebody somewhere: reads what the person sees there and keeps it up to date.
import * as api from "./api.js";
import { format, parse } from "./route.js";
import {
  addNote, appChannel, change, channelOf, putMessage, replaceMessages, state, threadKey, topLevel,
} from "./state.js";

const FIRST_PERSON = "U0NILS"; // the newcomer: the demo begins with somebody who has nothing yet
const LAST_PERSON = "prime-lab.person";
const AGAIN_MS = 2000;

let closeStream = () => {};
let visit = 0;
let reads = 0;
let held = [];

// --- coming and going ------------------------------------------------------------------------

export function start() {
  window.addEventListener("hashchange", arrive);
  window.addEventListener("unhandledrejection", tellTrouble);
  document.addEventListener("visibilitychange", markRead);
  return arrive();
}

/** What the server refused, wherever it was asked for, is told where the person is. */
function tellTrouble(event) {
  if (!(event.reason instanceof api.ApiError)) return;
  event.preventDefault();
  addNote(state.place.channel, state.place.thread, event.reason.message);
}

/** Goes to a place, given as the parts that change. */
export function go(changes) {
  const address = format({ ...state.place, ...changes });
  if (address === location.hash) arrive();
  else location.hash = address;
}

export const switchTo = (me) => go({ me, channel: null, tab: null, thread: null });
export const goToChannel = (channel) => go({ channel, tab: null, thread: null });
export const openThread = (ts) => go({ thread: ts });
export const closeThread = () => go({ thread: null });

export async function openDirectMessage(user) {
  const { channel } = await api.post("dms", { as: state.me, user });
  state.channels[channel.id] = channel;
  goToChannel(channel.id);
}

async function arrive() {
  const mine = ++visit;
  const wanted = parse(location.hash);
  const me = wanted.me ?? localStorage.getItem(LAST_PERSON) ?? FIRST_PERSON;
  if (me !== state.me || state.status !== "ready") {
    if (!(await become(me))) return;
    if (mine !== visit) return;
  }
  const place = existing({ ...wanted, me: state.me });
  if (format(place) !== location.hash) history.replaceState(null, "", format(place));
  if (place.channel !== state.place.channel) state.newFrom = {};
  change({ place });
  await load(place);
}

/** Whether the page can be shown as this person; forgets all that another one saw. */
async function become(me) {
  closeStream();
  held = [];
  await listen(me); // before reading: what happens after the reading is then heard of
  try {
    await reading(async () => {
      const boot = await api.get("boot", { as: me });
      Object.assign(state, { messages: {}, loaded: new Set(), longer: new Set(), views: [], home: null, place: {} });
      takeBoot(boot);
    });
  } catch (error) {
    closeStream();
    if (error.code === "user_not_found" && me !== FIRST_PERSON) {
      localStorage.removeItem(LAST_PERSON);
      location.hash = "";
      return false;
    }
    change({ status: error.message });
    setTimeout(arrive, AGAIN_MS);
    return false;
  }
  localStorage.setItem(LAST_PERSON, me);
  return true;
}

/** Opens the stream of events; resolves when it is open, or when it is clear that it is not. */
function listen(me) {
  return new Promise((settled) => {
    let greeted = false;
    closeStream = api.openStream(me, {
      onUp: (live) => {
        change({ live });
        if (!live) settled();
      },
      onEvent: (event) => {
        if (event.type !== "hello") {
          if (reads) held.push(event);
          else take(event);
        } else if (greeted) catchUp(); // a reconnection: whatever came in between was missed
        greeted = true;
        settled();
      },
    });
  });
}

/** Events that come while something is read are taken after it, since what is read may be older than they are. */
async function reading(read) {
  reads += 1;
  try {
    return await read();
  } finally {
    reads -= 1;
    if (!reads) held.splice(0).forEach(take);
  }
}

function takeBoot(boot) {
  change({
    status: "ready",
    me: boot.me,
    people: byId(boot.people),
    channels: byId(boot.channels),
    groups: byId(boot.groups),
    app: boot.app,
    faults: boot.faults,
  });
}

const byId = (things) => Object.fromEntries(things.map((thing) => [thing.id, thing]));

/** The place, or the nearest one that this person can see. */
function existing({ me, channel, tab, thread }) {
  const found = channelOf(channel) ?? Object.values(state.channels).find((one) => one.is_member) ?? appChannel();
  if (!found) return { me, channel: null, tab: null, thread: null };
  if (found.kind !== "app") return { me, channel: found.id, tab: null, thread: found.id === channel ? thread : null };
  const enabled = { home: state.app.home_enabled, messages: state.app.messages_enabled, about: true };
  const first = enabled.home ? "home" : "messages";
  return { me, channel: found.id, tab: enabled[tab] ? tab : thread ? "messages" : first, thread };
}

// --- reading ---------------------------------------------------------------------------------

async function load({ channel, tab, thread }) {
  if (!channel) return;
  if (tab === "home" || tab === "messages") await openTab(tab);
  if (tab !== "home" && tab !== "about") await loadMessages(channel, null);
  if (thread) await loadMessages(channel, thread);
  markRead();
}

async function openTab(tab) {
  const before = state.home;
  const { view } = await api.post("home", { as: state.me, tab });
  if (state.home === before) change({ home: view }); // else the app has published a newer one meanwhile
}

const loadMessages = (channel, thread) =>
  reading(async () => {
    const me = state.me;
    const query = { as: me, channel, ...(thread ? { thread_ts: thread } : {}) };
    const { messages, has_more: hasMore } = await api.get("messages", query);
    if (me !== state.me) return; // somebody else meanwhile
    replaceMessages(channel, thread, messages);
    state.loaded.add(threadKey(channel, thread));
    if (!thread) {
      state.longer[hasMore ? "add" : "delete"](channel);
      state.newFrom[channel] ??= firstUnread(channel);
    }
    change();
  });

function firstUnread(channel) {
  const unread = channelOf(channel)?.unread ?? 0;
  const others = topLevel(channel).filter((message) => message.user !== state.me && !message.ephemeral);
  return unread ? others.at(-unread)?.ts : null;
}

async function catchUp() {
  await reading(async () => takeBoot(await api.get("boot", { as: state.me })));
  state.loaded.clear();
  await load(state.place);
}

/** What the person looks at is read. */
function markRead() {
  const { channel, tab } = state.place;
  const shown = channelOf(channel);
  if (!shown?.unread || document.hidden || tab === "home" || tab === "about" || !state.loaded.has(channel)) return;
  const newest = topLevel(channel).findLast((message) => !message.ephemeral);
  if (newest) api.post("read", { as: state.me, channel, ts: newest.ts });
}

// --- what happens meanwhile ------------------------------------------------------------------

const TAKERS = {
  message: takeMessage,
  message_changed: takeMessage,
  ephemeral: takeMessage,
  message_deleted: ({ channel, ts }) => state.messages[channel]?.delete(ts),
  ephemeral_deleted: ({ channel, ts }) => state.messages[channel]?.delete(ts),
  view_opened: ({ view }) => change({ views: [view] }),
  view_pushed: ({ view }) => change({ views: [...state.views, view] }),
  view_updated: ({ view }) => change({ views: state.views.map((open) => (open.id === view.id ? view : open)) }),
  view_closed: ({ view_id: id, all }) => change({ views: all ? [] : below(id) }),
  home: ({ view }) => change({ home: view }),
  channel: takeChannel,
  person: ({ person }) => change({ people: { ...state.people, [person.id]: person } }),
  app: ({ connected }) => change({ app: { ...state.app, connected } }),
  faults: ({ faults }) => change({ faults }),
};

function take(event) {
  TAKERS[event.type]?.(event);
  change();
}

function takeMessage({ channel, message }) {
  // Only what is on screen is kept: the rest is read when the person comes to it.
  if (!state.loaded.has(channel) && !message.thread_ts) return;
  putMessage(channel, message);
}

function below(id) {
  const index = state.views.findIndex((view) => view.id === id);
  return index < 0 ? state.views : state.views.slice(0, index);
}

function takeChannel({ channel }) {
  change({ channels: { ...state.channels, [channel.id]: channel } });
  if (channel.id === state.place.channel) markRead();
}

// --- doing -----------------------------------------------------------------------------------

/** Posts a message, or runs a command if the text is one. What goes wrong is told in the place, as Slack does. */
export async function send({ channel, thread, text, files = [] }) {
  const command = /^(\/\S+)\s*([\s\S]*)$/.exec(text);
  const place = { as: state.me, channel, ...(thread ? { thread_ts: thread } : {}) };
  if (command && !files.length) {
    const answer = await api.post("commands", { ...place, command: command[1], text: command[2].trimEnd() });
    if (!answer.ok) addNote(channel, thread, troubleWith(command[1], answer));
  } else {
    await api.post("messages", { ...place, text, file_ids: files.map((file) => file.id) });
  }
}

function troubleWith(command, { error, message }) {
  const trouble = error === "operation_timeout" ? `${command} failed with the error "operation_timeout".` : message;
  const away = state.app.connected ? "" : ` ${state.app.name} is not connected to this workspace.`;
  return `${trouble || `${command} failed with the error "${error}".`}${away}`;
}

export async function runShortcut(shortcut, message) {
  const { channel, thread } = state.place;
  const target = message ? { channel: message.channel, ts: message.ts } : { channel };
  const answer = await api.post("shortcuts", { as: state.me, callback_id: shortcut.callback_id, ...target });
  if (!answer.ok) addNote(channel, thread, troubleWith(shortcut.name, answer));
}

export const editMessage = (message, text) =>
  api.patch("messages", { as: state.me, channel: message.channel, ts: message.ts, text });

export const deleteMessage = (message) =>
  api.remove("messages", { as: state.me, channel: message.channel, ts: message.ts });

/** Takes an ephemeral message off this person's screen. */
export function dismiss(message) {
  state.messages[message.channel ?? state.place.channel]?.delete(message.ts);
  change();
}

export const joinChannel = (channel) => api.post("members", { channel, user: state.me, present: true });

export const setAppMember = (channel, present) =>
  api.post("members", { channel, user: state.app.bot_user_id, present });

export const switchFault = (name, on) => api.post("faults", { name, on });
