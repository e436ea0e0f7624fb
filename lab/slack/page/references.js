// People, channels, links and dates inside a text. Whatever a message says, a link leads to the web or to mail, or is text.
import { EMOJI } from "./emoji.js";
import { channelName, channelOf, nameOf, person, state } from "./state.js";
import { html } from "./ui.js";

const SAFE_LINK = /^(https?:\/\/|mailto:)/i;
const ENTITIES = { "&lt;": "<", "&gt;": ">", "&amp;": "&" };

export const unescape = (text) => text.replace(/&(?:lt|gt|amp);/g, (entity) => ENTITIES[entity]);

export function Link({ href, children }) {
  if (!SAFE_LINK.test(href)) return html`<span>${children ?? href}</span>`;
  return html`<a href=${href} target="_blank" rel="noopener noreferrer">${children ?? href}</a>`;
}

export function Mention({ user }) {
  return html`<span class=${user === state.me ? "mention me" : "mention"}>@${nameOf(user)}</span>`;
}

export function GroupMention({ group }) {
  const known = state.groups[group];
  const mine = known?.users.includes(state.me);
  return html`<span class=${mine ? "mention me" : "mention"}>@${known?.handle ?? group}</span>`;
}

export const Broadcast = ({ range }) => html`<span class="mention me">@${range}</span>`;

export function ChannelMention({ channel, label }) {
  const known = channelOf(channel);
  if (!known) return html`<span class="mention">#${label || "private channel"}</span>`;
  return html`<a class="mention" href=${`#/${state.me}/${channel}`}>#${channelName(known)}</a>`;
}

export function Emoji({ name }) {
  const character = EMOJI.get(name);
  return character ? html`<span role="img" aria-label=${name.replaceAll("_", " ")}>${character}</span>` : `:${name}:`;
}

/** What stands between `<` and `>` in Slack's text: "@U1", "#C1|general", "!here", "https://x.example|label", ... */
export function Reference({ source }) {
  const [target, label = ""] = source.split(/\|(.*)/s);
  if (/^@[UW]/.test(target)) {
    const user = target.slice(1);
    return person(user) || !label ? html`<${Mention} user=${user} />` : html`<span class="mention">@${unescape(label)}</span>`;
  }
  if (target.startsWith("#")) return html`<${ChannelMention} channel=${target.slice(1)} label=${unescape(label)} />`;
  if (target.startsWith("!subteam^")) return html`<${GroupMention} group=${target.slice("!subteam^".length)} />`;
  if (["!here", "!channel", "!everyone"].includes(target)) return html`<${Broadcast} range=${target.slice(1)} />`;
  if (target.startsWith("!date^")) return html`<${DateText} source=${target} fallback=${unescape(label)} />`;
  if (target.startsWith("!")) return unescape(label || target);
  return html`<${Link} href=${unescape(target)}>${unescape(label || target.replace(/^mailto:/, ""))}<//>`;
}

const DATE_FORMATS = {
  date_num: { year: "numeric", month: "2-digit", day: "2-digit" },
  date: { year: "numeric", month: "long", day: "numeric" },
  date_short: { year: "numeric", month: "short", day: "numeric" },
  date_long: { weekday: "long", year: "numeric", month: "long", day: "numeric" },
  time: { hour: "numeric", minute: "2-digit" },
  time_secs: { hour: "numeric", minute: "2-digit", second: "2-digit" },
};

/** "!date^1760000000^{date_short} at {time}^https://link" */
function DateText({ source, fallback }) {
  const [, epoch, format = "", link] = source.split("^");
  const date = new Date(Number(epoch) * 1000);
  if (!format || Number.isNaN(date.getTime())) return fallback;
  const shown = html`<time dateTime=${date.toISOString()} title=${date.toLocaleString()}>${formatted(date, format)}</time>`;
  return link ? html`<${Link} href=${link}>${shown}<//>` : shown;
}

export function formatted(date, format) {
  return format.replace(/\{(\w+)\}/g, (whole, word) => {
    if (word === "ago") return ago(date);
    const known = DATE_FORMATS[word.replace(/_pretty$/, "")];
    return (word.endsWith("_pretty") && nearDay(date)) || (known ? date.toLocaleString("en-US", known) : whole);
  });
}

function nearDay(date) {
  const days = Math.round((new Date(date).setHours(0, 0, 0, 0) - new Date().setHours(0, 0, 0, 0)) / 86_400_000);
  return { "-1": "yesterday", 0: "today", 1: "tomorrow" }[days];
}

function ago(date) {
  const seconds = (date.getTime() - Date.now()) / 1000;
  const [unit, size] = [["day", 86_400], ["hour", 3600], ["minute", 60], ["second", 1]].find(
    ([, size]) => Math.abs(seconds) >= size || size === 1,
  );
  return new Intl.RelativeTimeFormat("en", { numeric: "auto" }).format(Math.round(seconds / size), unit);
}
