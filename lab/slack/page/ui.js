// The one place that knows which library draws the page.
import { Fragment, createContext, h, render } from "preact";
import htm from "htm";

export { useContext, useEffect, useId, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
export { Fragment, createContext, render };

export const html = htm.bind(h);

/** Joins the class names that hold: classes("button", pressed && "pressed"). */
export const classes = (...names) => names.filter(Boolean).join(" ");
