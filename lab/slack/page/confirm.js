// "Are you sure?", with a confirm object of Block Kit.
import { Dialog } from "./dialog.js";
import { Text } from "./mrkdwn.js";
import { change } from "./state.js";
import { classes, html, useId } from "./ui.js";

let open = null;

/** Whether the person agrees. */
export function askConfirm(definition) {
  return new Promise((resolve) => {
    open = { definition, resolve };
    change();
  });
}

export const plain = (text) => ({ type: "plain_text", text });

export const ConfirmHost = () => (open ? html`<${Confirm} ...${open} />` : null);

function Confirm({ definition, resolve }) {
  const title = useId();
  const answer = (agreed) => {
    open = null;
    change();
    resolve(agreed);
  };
  return html`<${Dialog} className="modal confirm" labelledby=${title} onCancel=${() => answer(false)}>
    <header><h2 id=${title}><${Text} of=${definition.title} /></h2></header>
    <div class="modal-body"><${Text} of=${definition.text} /></div>
    <footer>
      <button type="button" class="button" onClick=${() => answer(false)}><${Text} of=${definition.deny} /></button>
      <button type="button" class=${classes("button", definition.style === "danger" ? "danger filled" : "primary")}
        autofocus onClick=${() => answer(true)}><${Text} of=${definition.confirm} /></button>
    </footer>
  <//>`;
}
