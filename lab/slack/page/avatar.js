// A person's initials in their colour; the app's mark.
import { isApp, person } from "./state.js";
import { classes, html } from "./ui.js";

export function Avatar({ user, size = "normal" }) {
  const known = person(user);
  const app = isApp(user);
  const style = { backgroundColor: known && !app ? known.color : undefined };
  return html`<span class=${classes("avatar", size, app && "app")} style=${style} aria-hidden="true">${app ? "◆" : known?.initials ?? "?"}</span>`;
}
