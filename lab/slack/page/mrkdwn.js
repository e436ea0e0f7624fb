// Slack's mrkdwn as elements: *bold* _italic_ ~strike~ `code`, fences, quotes, references, emoji.
import { Emoji, Link, Reference, unescape } from "./references.js";
import { Fragment, html } from "./ui.js";

const FENCE = /```\n?([\s\S]+?)\n?```/g;
const QUOTE = /^(?:&gt;|>) ?(.*)$/;
const INLINE =
  /`([^`\n]+)`|<([^<>\n]+)>|:([a-z0-9_+-]+):|(?<![\p{L}\p{N}_])([*_~])(?=\S)((?:<[^<>\n]+>|(?!\4)[^<\n])+)(?<=\S)\4(?![\p{L}\p{N}_])/gu;
const BARE_LINK = /(https?:\/\/[^\s<>]*[^\s<>.,;:!?'")\]])/;
const TAGS = { "*": "strong", _: "em", "~": "del" };

export function Mrkdwn({ text }) {
  const parts = [];
  let end = 0;
  for (const fence of text.matchAll(FENCE)) {
    parts.push(...lines(text.slice(end, fence.index).replace(/\n$/, "")));
    parts.push(html`<pre><code>${unescape(fence[1])}</code></pre>`);
    end = fence.index + fence[0].length;
  }
  parts.push(...lines(end ? text.slice(end).replace(/^\n/, "") : text));
  return html`<${Fragment}>${parts}<//>`;
}

/** Text without marks: only emoji are drawn. */
export function PlainText({ text, emoji = true }) {
  if (!emoji) return text;
  return text.split(/(:[a-z0-9_+-]+:)/).map((part, index) => (index % 2 ? html`<${Emoji} name=${part.slice(1, -1)} />` : part));
}

/** A text object of Block Kit. */
export function Text({ of }) {
  if (of.type === "mrkdwn") return html`<${Mrkdwn} text=${of.text} />`;
  return html`<${PlainText} text=${of.text} emoji=${of.emoji} />`;
}

function lines(text) {
  const parts = [];
  let quoted = [];
  const endQuote = () => {
    if (quoted.length) parts.push(html`<blockquote>${withBreaks(quoted)}</blockquote>`);
    quoted = [];
  };
  let plain = [];
  const endPlain = () => {
    if (plain.length) parts.push(withBreaks(plain));
    plain = [];
  };
  for (const line of text ? text.split("\n") : []) {
    const quote = QUOTE.exec(line);
    if (quote) endPlain();
    else endQuote();
    (quote ? quoted : plain).push(quote ? quote[1] : line);
  }
  endPlain();
  endQuote();
  return parts;
}

const withBreaks = (all) => all.map((line, index) => html`<${Fragment}>${index > 0 && html`<br />`}${inline(line)}<//>`);

/** One line's text with its marks, as a list of elements. */
export function inline(line) {
  const parts = [];
  let end = 0;
  for (const found of line.matchAll(INLINE)) {
    parts.push(...bare(line.slice(end, found.index)), marked(found));
    end = found.index + found[0].length;
  }
  return [...parts, ...bare(line.slice(end))];
}

function marked([, code, reference, emoji, mark, inner]) {
  if (code) return html`<code>${unescape(code)}</code>`;
  if (reference) return html`<${Reference} source=${reference} />`;
  if (emoji) return html`<${Emoji} name=${emoji} />`;
  return html`<${TAGS[mark]}>${inline(inner)}<//>`;
}

const bare = (text) =>
  unescape(text).split(BARE_LINK).map((part, index) => (index % 2 ? html`<${Link} href=${part} />` : part));
