// What opens beside a button: menus, pickers, panels. It lies in the browser's top layer, so no scroll box cuts it.
import { Icon } from "./icons.js";
import { classes, html, useLayoutEffect, useRef, useState } from "./ui.js";

const GAP = 4;
const EDGE = 8;

/** `anchor`: a ref to what it opens beside. `onClose(byKey)`: Esc, or a press elsewhere. */
export function Popover({ anchor, onClose, className, align = "start", children, ...rest }) {
  const box = useRef();
  useLayoutEffect(() => {
    box.current.showPopover();
    place(box.current, anchor.current, align);
  }, []);
  // What is shown may grow while it loads.
  useLayoutEffect(() => place(box.current, anchor.current, align));
  // At once, so that nothing listens any more for a box that has just gone.
  useLayoutEffect(() => {
    const onPointer = (event) => {
      if (!box.current.contains(event.target) && !anchor.current.contains(event.target)) onClose(false);
    };
    const onMove = (event) => {
      if (!box.current.contains(event.target)) place(box.current, anchor.current, align);
    };
    document.addEventListener("pointerdown", onPointer, true);
    document.addEventListener("scroll", onMove, true);
    window.addEventListener("resize", onMove);
    return () => {
      document.removeEventListener("pointerdown", onPointer, true);
      document.removeEventListener("scroll", onMove, true);
      window.removeEventListener("resize", onMove);
    };
  }, [onClose]);
  const onKeyDown = (event) => {
    if (event.key !== "Escape") return;
    event.preventDefault(); // the dialog around it stays
    event.stopPropagation();
    onClose(true);
  };
  return html`<div ref=${box} popover="manual" class=${classes("popover", className)} onKeyDown=${onKeyDown} ...${rest}>
    ${children}
  </div>`;
}

/** Below the anchor if there is room, else above, always inside the window. */
function place(box, anchor, align) {
  const at = anchor.getBoundingClientRect();
  box.style.minWidth = `${at.width}px`;
  const { width, height } = box.getBoundingClientRect();
  const left = align === "end" ? at.right - width : at.left;
  const below = at.bottom + GAP;
  const fits = below + height + EDGE <= window.innerHeight || at.top - GAP - height < EDGE;
  box.style.left = `${Math.max(EDGE, Math.min(left, window.innerWidth - width - EDGE))}px`;
  box.style.top = `${fits ? Math.min(below, Math.max(EDGE, window.innerHeight - height - EDGE)) : at.top - GAP - height}px`;
}

/**
 * A button that opens a menu. `items`: {label, hint, icon, danger, href, onSelect}, or null for a line between them.
 * `label` names the button where it shows only an icon.
 */
export function MenuButton({ label, items, className, align, children, ...rest }) {
  const [open, setOpen] = useState(false);
  const button = useRef();
  const close = (byKey) => {
    setOpen(false);
    if (byKey) button.current.focus();
  };
  return html`
    <button type="button" ref=${button} class=${className} aria-label=${label} title=${label} aria-haspopup="menu"
      aria-expanded=${open} onClick=${() => setOpen(!open)} ...${rest}>${children}</button>
    ${open && html`<${Menu} anchor=${button} items=${items} align=${align} label=${label} onClose=${close} />`}
  `;
}

function Menu({ anchor, items, align, label, onClose }) {
  const list = useRef();
  useLayoutEffect(() => list.current.querySelector("[role=menuitem]")?.focus(), []);
  const onKeyDown = (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (event.key === "Tab") onClose(true);
    if (!step) return;
    event.preventDefault();
    const all = [...list.current.querySelectorAll("[role=menuitem]")];
    all.at((all.indexOf(document.activeElement) + step) % all.length).focus();
  };
  const select = (item) => {
    onClose(true);
    item.onSelect?.();
  };
  return html`<${Popover} anchor=${anchor} onClose=${onClose} align=${align} className="menu">
    <div ref=${list} role="menu" aria-label=${label} onKeyDown=${onKeyDown}>
      ${items.map((item) => (item ? html`<${MenuItem} item=${item} onSelect=${() => select(item)} />` : html`<hr />`))}
    </div>
  <//>`;
}

function MenuItem({ item, onSelect }) {
  const content = html`
    ${item.icon && (typeof item.icon === "string" ? html`<${Icon} name=${item.icon} />` : item.icon)}
    <span class="menu-text"><span>${item.label}</span>${item.hint && html`<small>${item.hint}</small>`}</span>
    ${item.current && html`<${Icon} name="check" />`}
  `;
  const className = classes("menu-item", item.danger && "danger");
  const link = item.href && /^https?:/i.test(item.href);
  return link
    ? html`<a role="menuitem" class=${className} href=${item.href} target="_blank" rel="noopener noreferrer" onClick=${onSelect}>${content}</a>`
    : html`<button type="button" role="menuitem" class=${className} onClick=${onSelect}>${content}</button>`;
}
