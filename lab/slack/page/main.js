// Draws the page again whenever what it knows has changed.
import { Bar } from "./bar.js";
import { Main } from "./channel.js";
import { ConfirmHost } from "./confirm.js";
import { Modals } from "./modal.js";
import { start } from "./session.js";
import { Sidebar } from "./sidebar.js";
import { channelName, channelOf, onChange, state } from "./state.js";
import { applyTheme } from "./theme.js";
import { Thread } from "./thread.js";
import { classes, html, render, useEffect, useLayoutEffect, useState } from "./ui.js";

function App() {
  const [drawer, setDrawer] = useState(false);
  const { status, place } = state;
  const channel = channelOf(place.channel);
  const unread = Object.values(state.channels).reduce((sum, one) => sum + one.mentions, 0);
  useEffect(() => {
    document.title = `${unread ? `(${unread}) ` : ""}${channel ? channelName(channel) : "Acme"} · Prime's lab`;
  });
  useEffect(() => {
    const onKey = (event) => event.key === "Escape" && setDrawer(false);
    window.addEventListener("keydown", onKey);
    return () => window.removeEventListener("keydown", onKey);
  }, []);
  if (status !== "ready") return html`<p class="splash" role="status">${status === "starting" ? "Opening the workspace…" : status}</p>`;
  return html`
    <${Bar} />
    <div class=${classes("workspace-grid", place.thread && "with-thread")}>
      <${Sidebar} open=${drawer} onClose=${() => setDrawer(false)} />
      <${Main} onMenu=${() => setDrawer(true)} />
      ${place.thread && html`<${Thread} />`}
    </div>
    <${Modals} />
    <${ConfirmHost} />
  `;
}

/** Rendered once: the library numbers its ids from the root of a rendering, so a second one would repeat them. */
function Root() {
  const [, redraw] = useState(0);
  useLayoutEffect(() => onChange(() => redraw((count) => count + 1)), []);
  return html`<${App} />`;
}

applyTheme();
render(html`<${Root} />`, document.getElementById("page"));
start();
