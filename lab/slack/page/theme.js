// Light, dark, or as the system has it; kept over a reload.
import { change } from "./state.js";

const KEY = "prime-lab.theme";
const ORDER = ["auto", "light", "dark"];

export const theme = () => (ORDER.includes(localStorage.getItem(KEY)) ? localStorage.getItem(KEY) : "auto");

export const applyTheme = () => {
  document.documentElement.dataset.theme = theme();
};

export function nextTheme() {
  localStorage.setItem(KEY, ORDER[(ORDER.indexOf(theme()) + 1) % ORDER.length]);
  applyTheme();
  change();
}
