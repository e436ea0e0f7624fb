// The `rich_text` block: what people write, and what apps may send.
import { Broadcast, ChannelMention, Emoji, GroupMention, Link, Mention, formatted } from "./references.js";
import { Fragment, html } from "./ui.js";

const STYLE_TAGS = { bold: "strong", italic: "em", strike: "del", underline: "u", code: "code", highlight: "mark" };

export const RichText = ({ elements }) => html`<div class="rich-text">${elements.map(container)}</div>`;

function container(part) {
  switch (part.type) {
    case "rich_text_preformatted":
      return html`<pre><code>${part.elements.map((leaf) => leaf.text ?? leaf.url ?? "")}</code></pre>`;
    case "rich_text_quote":
      return html`<blockquote>${leaves(part)}</blockquote>`;
    case "rich_text_list":
      return list(part);
    default:
      return html`<div>${leaves(part)}</div>`;
  }
}

function list({ style, elements, indent = 0, offset = 0 }) {
  const tag = style === "ordered" ? "ol" : "ul";
  const start = style === "ordered" ? offset + 1 : undefined;
  return html`<${tag} start=${start} style=${{ marginLeft: `${indent * 1.5}em` }}>
    ${elements.map((item) => html`<li>${leaves(item)}</li>`)}
  <//>`;
}

const leaves = ({ elements }) => elements.map((leaf) => styled(leaf.style, drawLeaf(leaf)));

const styled = (style, content) =>
  Object.keys(STYLE_TAGS)
    .filter((name) => style?.[name])
    .reduce((inner, name) => html`<${STYLE_TAGS[name]}>${inner}<//>`, content);

function drawLeaf(leaf) {
  switch (leaf.type) {
    case "text":
      return withBreaks(leaf.text);
    case "link":
      return html`<${Link} href=${leaf.url}>${leaf.text || leaf.url}<//>`;
    case "user":
      return html`<${Mention} user=${leaf.user_id} />`;
    case "usergroup":
      return html`<${GroupMention} group=${leaf.usergroup_id} />`;
    case "channel":
      return html`<${ChannelMention} channel=${leaf.channel_id} />`;
    case "broadcast":
      return html`<${Broadcast} range=${leaf.range} />`;
    case "emoji":
      return html`<${Emoji} name=${leaf.name} />`;
    case "date":
      return formatted(new Date(leaf.timestamp * 1000), leaf.format);
    case "color":
      return html`<code>${leaf.value}</code>`;
    default:
      return leaf.fallback ?? "";
  }
}

const withBreaks = (text) =>
  text.split("\n").map((line, index) => html`<${Fragment}>${index > 0 && html`<br />`}${line}<//>`);
