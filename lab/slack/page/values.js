// What elements hold: the shapes of `state.values` (../block_state.py has the same table).

/** By element type: the key of its value in a payload, and of its first value in its definition. */
const KEYS = {
  plain_text_input: ["value", "initial_value"],
  number_input: ["value", "initial_value"],
  email_text_input: ["value", "initial_value"],
  url_text_input: ["value", "initial_value"],
  rich_text_input: ["rich_text_value", "initial_value"],
  static_select: ["selected_option", "initial_option"],
  external_select: ["selected_option", "initial_option"],
  radio_buttons: ["selected_option", "initial_option"],
  users_select: ["selected_user", "initial_user"],
  conversations_select: ["selected_conversation", "initial_conversation"],
  channels_select: ["selected_channel", "initial_channel"],
  datepicker: ["selected_date", "initial_date"],
  timepicker: ["selected_time", "initial_time"],
  datetimepicker: ["selected_date_time", "initial_date_time"],
  checkboxes: ["selected_options", "initial_options"],
  multi_static_select: ["selected_options", "initial_options"],
  multi_external_select: ["selected_options", "initial_options"],
  multi_users_select: ["selected_users", "initial_users"],
  multi_conversations_select: ["selected_conversations", "initial_conversations"],
  multi_channels_select: ["selected_channels", "initial_channels"],
  file_input: ["files", null],
};

export const valueKey = (element) => KEYS[element.type]?.[0];

export const holdsMany = ({ type }) => type.startsWith("multi_") || type === "checkboxes" || type === "file_input";

/** Each element that holds a value, with its block. */
function* holders(blocks) {
  for (const block of blocks) {
    for (const element of [block.element, block.accessory, ...(block.elements ?? [])]) {
      if (element?.action_id && valueKey(element)) yield [block, element];
    }
  }
}

/**
 * The values of these blocks: what the person has put in stays where block_id, action_id and type are as before, and
 * only there; everything else starts as the server or the definition says.
 */
export function carried(values, blocks, given = {}) {
  const next = {};
  for (const [block, element] of holders(blocks)) {
    const at = (from) => from?.[block.block_id]?.[element.action_id];
    const known = [at(values), at(given)].find((value) => value?.type === element.type);
    (next[block.block_id] ??= {})[element.action_id] = known ?? first(element);
  }
  return next;
}

function first(element) {
  const [key, initial] = KEYS[element.type];
  return { type: element.type, [key]: element[initial] ?? (holdsMany(element) ? [] : null) };
}
