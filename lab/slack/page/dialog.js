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
    event.preventDefault();
    if (event.target === dialog.current) onCancel();
  };
  return html`<dialog ref=${dialog} class=${className} aria-labelledby=${labelledby} onCancel=${cancel}>${children}</dialog>`;
}
