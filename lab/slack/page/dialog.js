// The browser's own modal dialog: it keeps the focus inside, makes the rest inert, and lies above everything.
import { html, useLayoutEffect, useRef } from "./ui.js";

/** `onCancel`: Esc was pressed. The dialog is open as long as it is drawn. */
export function Dialog({ labelledby, className, onCancel, children }) {
  const dialog = useRef();
  useLayoutEffect(() => {
    const shown = dialog.current;
    shown.showModal();
    return () => shown.close(); // which gives the focus back to where it was
  }, []);
  const cancel = (event) => {
    if (event.target !== dialog.current && event.key !== "Escape") return; // a file picker has a "cancel" too
    event.preventDefault();
    onCancel();
  };
  // Esc is taken as a key: the browser would close the dialog by itself at the second "cancel" in a row. The tabindex
  // keeps the focus inside, and so the key, when one clicks on plain text.
  return html`<dialog ref=${dialog} class=${className} aria-labelledby=${labelledby} tabindex="-1" onCancel=${cancel}
    onKeyDown=${(event) => event.key === "Escape" && cancel(event)}>${children}</dialog>`;
}
