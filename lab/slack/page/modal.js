// The stack of modals. All that are open stay drawn, so that going back finds what was typed; the top one shows.
import * as api from "./api.js";
import { Blocks } from "./blocks.js";
import { Dialog } from "./dialog.js";
import { FormProvider, useForm } from "./form.js";
import { Icon } from "./icons.js";
import { PlainText } from "./mrkdwn.js";
import { change, state } from "./state.js";
import { classes, html, useEffect, useId, useRef, useState } from "./ui.js";

const TROUBLE = "We had some trouble connecting. Try again?";
const FIRST_FIELD = ".modal-body :is(input, textarea, .select-button):not([hidden])";

export function Modals() {
  const title = useId();
  if (!state.views.length) return null;
  const top = state.views.at(-1);
  return html`<${Dialog} className="modal" labelledby=${`${title}-${top.id}`} onCancel=${() => close(top, false)}>
    ${state.views.map((view) => html`<${ModalView} key=${view.id} view=${view} isTop=${view === top} title=${`${title}-${view.id}`} />`)}
  <//>`;
}

/** `all`: the X, which closes the whole stack. A view that the server no longer has is taken away here. */
async function close(view, all) {
  try {
    await api.post("views/close", { as: state.me, view_id: view.id, all });
  } catch {
    change({ views: all ? [] : state.views.filter((open) => open.id !== view.id) });
  }
}

function ModalView({ view, isTop, title }) {
  const form = useForm({ view_id: view.id }, view.blocks, view.state?.values);
  const [errors, setErrors] = useState({});
  const [trouble, setTrouble] = useState("");
  const [sending, setSending] = useState(false);
  const panel = useRef();
  useEffect(() => {
    if (isTop) focusFirst(panel.current);
  }, [isTop]);
  useEffect(() => panel.current.querySelector("[aria-invalid=true]")?.focus(), [errors]);

  const submit = async (event) => {
    event.preventDefault();
    if (sending) return;
    setSending(true);
    setTrouble("");
    setErrors({});
    try {
      const answer = await api.post("views/submit", { as: state.me, view_id: view.id, state: form.values() });
      if (answer.errors) setErrors(answer.errors);
      else if (!answer.ok) setTrouble(TROUBLE);
    } catch (error) {
      setTrouble(error.code === "unreachable" ? TROUBLE : error.message);
    }
    setSending(false);
  };

  const deep = Boolean(view.previous_view_id);
  return html`<form ref=${panel} class="modal-view" hidden=${!isTop} noValidate onSubmit=${submit}>
    <header>
      ${deep && html`<button type="button" class="icon-button" aria-label="Back" title="Back"
        onClick=${() => close(view, false)}><${Icon} name="back" /></button>`}
      <h2 id=${title}><${PlainText} text=${view.title.text} /></h2>
      <button type="button" class="icon-button" aria-label="Close all" title="Close"
        onClick=${() => close(view, true)}><${Icon} name="close" /></button>
    </header>
    <div class="modal-body">
      ${trouble && html`<p class="modal-trouble" role="alert"><${Icon} name="warning" /> ${trouble}</p>`}
      <${FormProvider} value=${form}><${Blocks} blocks=${view.blocks} errors=${errors} /><//>
    </div>
    <footer>
      <button type="button" class="button" onClick=${() => close(view, false)}>
        <${PlainText} text=${view.close?.text ?? (view.submit ? "Cancel" : "Close")} /></button>
      ${view.submit && html`<button type="submit" class=${classes("button primary", sending && "busy")} aria-busy=${sending || undefined}>
        <${PlainText} text=${view.submit.text} /></button>`}
    </footer>
  </form>`;
}

/** The field that asks for the focus, else the first one, else the panel's last button. */
function focusFirst(panel) {
  const field = panel.querySelector("[autofocus]") ?? panel.querySelector(FIRST_FIELD) ?? [...panel.querySelectorAll("footer button")].at(-1);
  field?.focus();
}
