// Standard Markdown (the `markdown` block). The library only reads it; its tokens become elements here, so that no HTML
// in a message is ever more than text.
import { lexer } from "marked";
import { Emoji, Link, Reference, unescape } from "./references.js";
import { state } from "./state.js";
import { Fragment, html, useMemo } from "./ui.js";

// In this block references have the same form as in mrkdwn.
const SLACK_PARTS = /(<(?:@[UW]|#[CGD]|!)[^<>\n]*>|:[a-z0-9_+-]+:)/;
const ENTITIES = { lt: "<", gt: ">", amp: "&", quot: '"', "#39": "'", nbsp: "\u00a0" };

export function Markdown({ text }) {
  // A long answer is not drawn anew whenever anything else on the page changes; names in it may.
  return useMemo(() => html`<div class="markdown">${all(lexer(text, { gfm: true }))}</div>`, [text, state.people, state.groups]);
}

const all = (tokens) => (tokens ?? []).map((token) => (DRAW[token.type] ?? drawUnknown)(token));

const DRAW = {
  space: () => null,
  def: () => null,
  br: () => html`<br />`,
  hr: () => html`<hr />`,
  heading: ({ tokens }) => html`<p class="heading" role="heading" aria-level="4">${all(tokens)}</p>`,
  paragraph: ({ tokens }) => html`<p>${all(tokens)}</p>`,
  blockquote: ({ tokens }) => html`<blockquote>${all(tokens)}</blockquote>`,
  code: drawCode,
  list: drawList,
  table: drawTable,
  text: ({ text, tokens }) => (tokens ? html`<${Fragment}>${all(tokens)}<//>` : plain(text)),
  escape: ({ text }) => text,
  strong: ({ tokens }) => html`<strong>${all(tokens)}</strong>`,
  em: ({ tokens }) => html`<em>${all(tokens)}</em>`,
  del: ({ tokens }) => html`<del>${all(tokens)}</del>`,
  codespan: ({ text }) => html`<code>${unescape(text)}</code>`,
  link: ({ href, tokens }) => html`<${Link} href=${href}>${all(tokens)}<//>`,
  image: ({ href, text }) => html`<${Link} href=${href}>${text || href}<//>`, // Slack turns images into links
};

/** HTML among the rest: its source. */
const drawUnknown = ({ raw }) => plain(raw);

function drawCode({ text, lang }) {
  const [language] = (lang ?? "").split(/\s/);
  return html`<figure class="code">${language && html`<figcaption>${language}</figcaption>`}<pre><code>${unescape(text)}</code></pre></figure>`;
}

function drawList({ ordered, start, items }) {
  const tag = ordered ? "ol" : "ul";
  return html`<${tag} start=${ordered ? start : undefined}>${items.map(drawItem)}<//>`;
}

function drawItem({ task, checked, tokens }) {
  // Some releases give the box a token of its own among the item's.
  const content = all(tokens.filter((token) => token.type !== "checkbox"));
  if (!task) return html`<li>${content}</li>`;
  return html`<li class="task"><input type="checkbox" checked=${checked} disabled aria-label=${checked ? "done" : "to do"} />${content}</li>`;
}

function drawTable({ header, align, rows }) {
  const cell = (tag) => (entry, column) => html`<${tag} style=${{ textAlign: align[column] || "left" }}>${all(entry.tokens)}<//>`;
  return html`<div class="table-scroll" tabindex="0" role="region" aria-label="Table"><table>
    <thead><tr>${header.map(cell("th"))}</tr></thead>
    <tbody>${rows.map((row) => html`<tr>${row.map(cell("td"))}</tr>`)}</tbody>
  </table></div>`;
}

const plain = (text) =>
  text.split(SLACK_PARTS).map((part, index) => {
    if (index % 2 === 0) return entities(part);
    return part.startsWith("<") ? html`<${Reference} source=${part.slice(1, -1)} />` : html`<${Emoji} name=${part.slice(1, -1)} />`;
  });

const entities = (text) => text.replace(/&(\w+|#39);/g, (whole, name) => ENTITIES[name] ?? whole);
