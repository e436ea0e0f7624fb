// Block Kit's blocks.
import { Element } from "./elements.js";
import { Markdown } from "./markdown.js";
import { Text } from "./mrkdwn.js";
import { RichText } from "./rich-text.js";
import { html, useId } from "./ui.js";

/**
 * `errors`: a sentence by block_id, for input blocks. `keyOf` tells which blocks are the same after a change: those of the
 * same block_id, unless told otherwise.
 */
export const Blocks = ({ blocks, errors = {}, keyOf = (block) => block.block_id }) => html`<div class="blocks">
  ${inOrder(blocks).map((block, index, all) => html`<${Block} key=${keyOf(block, index, all)} block=${block} error=${errors[block.block_id]} />`)}
</div>`;

/** In a message each edit brings new ids. The third section stays the third: it must not flicker, nor lose a press under way. */
export const byKind = ({ type }, index, all) => `${type}/${all.slice(0, index).filter((block) => block.type === type).length}`;

/** Slack shows tables below everything else of a message. */
const inOrder = (blocks) => [
  ...blocks.filter((block) => block.type !== "table"),
  ...blocks.filter((block) => block.type === "table"),
];

function Block({ block, error }) {
  const Drawn = BLOCKS[block.type];
  if (!Drawn) return html`<p class="unknown">Block “${block.type}” cannot be shown here.</p>`;
  return html`<div class=${`block block-${block.type}`} data-block-id=${block.block_id}><${Drawn} block=${block} error=${error} /></div>`;
}

function Section({ block }) {
  const id = useId();
  const { text, fields, accessory } = block;
  return html`
    <div class="section-text">
      ${text && html`<div id=${id}><${Text} of=${text} /></div>`}
      ${fields && html`<div class="fields" id=${text ? undefined : id}>${fields.map((field) => html`<div><${Text} of=${field} /></div>`)}</div>`}
    </div>
    ${accessory && html`<div class="accessory">
      ${accessory.type === "image" ? html`<${Picture} of=${accessory} />` : html`<${Element} block=${block} element=${accessory} labelledby=${id} />`}
    </div>`}
  `;
}

const HEADINGS = { 1: "h2", 2: "h3", 3: "h4", 4: "h5" };
const Header = ({ block }) => html`<${HEADINGS[block.level ?? 2]} class="header-text"><${Text} of=${block.text} /><//>`;

const Context = ({ block }) =>
  block.elements.map((element) =>
    element.type === "image" ? html`<${Picture} of=${element} />` : html`<span><${Text} of=${element} /></span>`,
  );

const Actions = ({ block }) =>
  block.elements.map((element) => html`<${Element} key=${element.action_id} block=${block} element=${element} />`);

function Input({ block, error }) {
  const id = useId();
  const { element, label, hint, optional } = block;
  const grouped = ["radio_buttons", "checkboxes"].includes(element.type);
  const described = [hint && `${id}-hint`, error && `${id}-error`].filter(Boolean).join(" ");
  const field = {
    id,
    "aria-describedby": described || undefined,
    "aria-invalid": error ? "true" : undefined,
    "aria-required": optional ? undefined : "true",
  };
  const named = grouped || element.type.endsWith("_select") ? `${id}-label` : undefined;
  return html`
    <label id=${`${id}-label`} for=${grouped ? undefined : id}>
      <${Text} of=${label} />${optional && html`<small class="optional"> (optional)</small>`}
    </label>
    <${Element} key=${element.action_id} block=${block} element=${element} labelledby=${named} field=${field} />
    ${error && html`<p class="field-error" id=${`${id}-error`} role="alert"><span aria-hidden="true">⚠ </span>${error}</p>`}
    ${hint && html`<p class="hint" id=${`${id}-hint`}><${Text} of=${hint} /></p>`}
  `;
}

function Picture({ of }) {
  const address = of.image_url ?? of.slack_file?.url;
  return html`<img src=${/^https?:/i.test(address) ? address : undefined} alt=${of.alt_text} title=${of.alt_text} loading="lazy" />`;
}

const Image = ({ block }) => html`<figure>
  ${block.title && html`<figcaption><${Text} of=${block.title} /></figcaption>`}<${Picture} of=${block} />
</figure>`;

function Table({ block }) {
  const settings = block.column_settings ?? [];
  const [head, ...body] = block.rows;
  const cell = (tag) => (entry, column) => html`<${tag} style=${{ textAlign: settings[column]?.align ?? "left" }}><${Cell} of=${entry} /><//>`;
  return html`<div class="table-scroll" tabindex="0" role="region" aria-label="Table"><table>
    <thead><tr>${head.map(cell("th"))}</tr></thead>
    <tbody>${body.map((row) => html`<tr>${row.map(cell("td"))}</tr>`)}</tbody>
  </table></div>`;
}

function Cell({ of }) {
  if (of.type === "rich_text") return html`<${RichText} elements=${of.elements} />`;
  return of.text ?? String(of.value ?? "");
}

const TaskStatus = ({ status }) =>
  html`<span class=${`task-status ${status}`} role="img" aria-label=${status.replace("_", " ")}>${STATUS[status]}</span>`;

const STATUS = { pending: "○", in_progress: "◔", complete: "✓", error: "✕" };

const Task = ({ block }) => html`
  <${TaskStatus} status=${block.status ?? "pending"} />
  <div class="task-text"><strong>${block.title}</strong>
    ${block.details && html`<${RichText} elements=${block.details.elements} />`}
    ${block.output && html`<${RichText} elements=${block.output.elements} />`}
  </div>`;

const Plan = ({ block }) => html`
  <strong>${block.title?.text ?? block.title}</strong>
  ${(block.tasks ?? []).map((task) => html`<div class="block-task_card"><${Task} block=${task} /></div>`)}`;

const BLOCKS = {
  section: Section,
  header: Header,
  divider: () => html`<hr />`,
  context: Context,
  context_actions: Actions,
  actions: Actions,
  input: Input,
  image: Image,
  rich_text: ({ block }) => html`<${RichText} elements=${block.elements} />`,
  markdown: ({ block }) => html`<${Markdown} text=${block.text} />`,
  table: Table,
  task_card: Task,
  plan: Plan,
};
