// Line icons, drawn here: 20 by 20.
import { html } from "./ui.js";

const PATHS = {
  hash: "M7.5 3 6 17M14 3l-1.5 14M3.5 7.5h14M2.5 12.5h14",
  lock: "M5 9h10v8H5zM7 9V6.5a3 3 0 0 1 6 0V9",
  close: "M5 5l10 10M15 5 5 15",
  back: "M12 4l-6 6 6 6",
  more: "M10 3.5a1 1 0 1 0 0 2 1 1 0 0 0 0-2zM10 9a1 1 0 1 0 0 2 1 1 0 0 0 0-2zM10 14.5a1 1 0 1 0 0 2 1 1 0 0 0 0-2z",
  reply: "M3 4.5h14v9H9l-4 3.5v-3.5H3z",
  plus: "M10 4v12M4 10h12",
  send: "M3 10 17 4l-4 13-3-5.5z",
  chevron: "M5 8l5 5 5-5",
  check: "M4 10.5l4 4 8-9",
  menu: "M3 5.5h14M3 10h14M3 14.5h14",
  sun: "M10 6.5a3.5 3.5 0 1 0 0 7 3.5 3.5 0 0 0 0-7zM10 1.5v2M10 16.5v2M1.5 10h2M16.5 10h2M4 4l1.4 1.4M14.6 14.6 16 16M16 4l-1.4 1.4M5.4 14.6 4 16",
  moon: "M16.5 12A7 7 0 0 1 8 3.5a7 7 0 1 0 8.5 8.5z",
  auto: "M10 3a7 7 0 1 0 0 14 7 7 0 0 0 0-14zM10 3v14",
  bolt: "M11 2.5 4.5 11.5h4L8 17.5l7-9.5h-4.5z",
  file: "M5 2.5h6l4 4v11H5zM11 2.5v4h4",
  eye: "M2 10s3-5 8-5 8 5 8 5-3 5-8 5-8-5-8-5zM10 8a2 2 0 1 0 0 4 2 2 0 0 0 0-4z",
  warning: "M10 3 2 16.5h16zM10 8v4M10 14.4v.01",
  up: "M6.5 9v8H3.5V9zM6.5 9.5 10 3c1.5 0 2 1 2 2v3h4.5l-1 9h-9",
  down: "M6.5 11V3H3.5v8zM6.5 10.5 10 17c1.5 0 2-1 2-2v-3h4.5l-1-9h-9",
  trash: "M3.5 5.5h13M8 5.5V3h4v2.5M5 5.5 6 17h8l1-11.5",
  pencil: "M3.5 16.5 4.5 12 13 3.5l3.5 3.5L8 15.5z",
  people: "M7 9.5a3 3 0 1 0 0-6 3 3 0 0 0 0 6zM1.5 16.5c0-3 2.5-5 5.5-5s5.5 2 5.5 5M13 9.5a2.5 2.5 0 1 0-1-4.8M14 11.5c2.5 0 4.5 2 4.5 5",
  search: "M9 3.5a5.5 5.5 0 1 0 0 11 5.5 5.5 0 0 0 0-11zM13 13l4 4",
};

export const Icon = ({ name }) => html`<svg class="icon" viewBox="0 0 20 20" aria-hidden="true"><path d=${PATHS[name]} /></svg>`;
