// The state of the elements of one message or view, and what using them does.
import * as api from "./api.js";
import { askConfirm } from "./confirm.js";
import { state } from "./state.js";
import { createContext, useContext, useRef, useState } from "./ui.js";
import { carried, valueKey } from "./values.js";

const FormContext = createContext(null);
export const FormProvider = FormContext.Provider;

const TROUBLE = "We had some trouble connecting. Try again?";

/**
 * `spot` says where the blocks stand for the server: {channel, ts} or {view_id}. `given` is the server's state.values.
 * Kept outside of drawing, since a key may be pressed and Enter hit before the page is drawn again.
 */
export function useForm(spot, blocks, given) {
  const [, redraw] = useState(0);
  const kept = useRef({ values: {}, blocks: null, trouble: {}, pending: {} }).current;
  if (kept.blocks !== blocks) {
    kept.values = carried(kept.values, blocks, given);
    kept.blocks = blocks;
  }
  const changed = () => redraw((count) => count + 1);
  const where = (block, element) => ({ ...spot, block_id: block.block_id, action_id: element.action_id });

  const set = (block, element, value) => {
    const held = { type: element.type, [valueKey(element)]: value };
    kept.values = { ...kept.values, [block.block_id]: { ...kept.values[block.block_id], [element.action_id]: held } };
    changed();
  };

  const act = async (block, element, value) => {
    const key = keyOf(block, element);
    kept.trouble = {};
    kept.pending[key] = true;
    changed();
    try {
      const answer = await api.post("actions", { as: state.me, ...where(block, element), value, state: kept.values });
      if (!answer.ok) kept.trouble = { [key]: TROUBLE };
    } catch (error) {
      kept.trouble = { [key]: error.message };
    }
    delete kept.pending[key];
    changed();
  };

  return {
    values: () => kept.values,
    valueOf: (block, element) => kept.values[block.block_id]?.[element.action_id]?.[valueKey(element)] ?? null,
    set,
    act,
    suggest: (block, element, query) => api.post("suggestions", { as: state.me, ...where(block, element), query }),
    troubleOf: (block, element) => kept.trouble[keyOf(block, element)],
    isPending: (block, element) => Boolean(kept.pending[keyOf(block, element)]),
  };
}

const keyOf = (block, element) => `${block.block_id}/${element.action_id}`;

/** What an element needs of its form: its value, and what choosing or pressing does. */
export function useElement(block, element) {
  const form = useContext(FormContext);
  const confirmed = async () => !element.confirm || askConfirm(element.confirm);
  const tells = block.type !== "input" || block.dispatch_action;
  return {
    value: form.valueOf(block, element),
    pending: form.isPending(block, element),
    trouble: form.troubleOf(block, element),
    set: (value) => form.set(block, element, value),
    /** Tells the app what is there now. */
    dispatch: () => tells && form.act(block, element, { [valueKey(element)]: form.valueOf(block, element) }),
    /** A choice: asked for confirmation, kept, told to the app where the block tells. */
    async choose(value) {
      if (tells && !(await confirmed())) return;
      form.set(block, element, value);
      if (tells) form.act(block, element, { [valueKey(element)]: value });
    },
    /** A press, with the part of the payload that the element defines. */
    async press(value) {
      if (await confirmed()) form.act(block, element, value);
    },
    suggest: (query) => form.suggest(block, element, query),
  };
}
