// The app's Home tab: a view of this person's own.
import { Blocks } from "./blocks.js";
import { FormProvider, useForm } from "./form.js";
import { state } from "./state.js";
import { html } from "./ui.js";

export function Home() {
  const view = state.home;
  if (!view) {
    const text = state.app.connected ? "Nothing has been published here yet." : `${state.app.name} is not connected.`;
    return html`<div class="home"><p class="empty">${text}</p></div>`;
  }
  return html`<${HomeView} key=${view.id} view=${view} />`;
}

function HomeView({ view }) {
  const form = useForm({ view_id: view.id }, view.blocks, view.state?.values);
  return html`<div class="home" role="tabpanel" aria-label="Home" tabindex="0"><div class="home-inner">
    <${FormProvider} value=${form}><${Blocks} blocks=${view.blocks} /><//>
  </div></div>`;
}
