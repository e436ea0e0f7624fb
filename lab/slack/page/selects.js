// Block Kit's select elements in terms of `Select`: where their choices come from, and what their value is.
import { useElement } from "./form.js";
import { Select } from "./select.js";
import { cast, channelName, channelOf, isDirect, nameOf, state } from "./state.js";
import { html } from "./ui.js";
import { holdsMany } from "./values.js";

const DEFAULT_MIN_QUERY = 3;
const DEFAULT_PLACEHOLDERS = {
  static_select: "Select an item",
  external_select: "Select an item",
  users_select: "Select a user",
  conversations_select: "Select a conversation",
  channels_select: "Select a channel",
};

export function SelectElement({ block, element, labelledby, field }) {
  const { value, choose, suggest } = useElement(block, element);
  const many = holdsMany(element);
  const kind = element.type.replace("multi_", "");
  const { choiceOf, valueOf, ...source } = SOURCES[kind](element, suggest);
  const held = many ? value : [value].filter(Boolean);
  return html`<${Select}
    chosen=${held.map(choiceOf)}
    onChange=${(choices) => choose(many ? choices.map(valueOf) : valueOf(choices[0]))}
    many=${many} max=${element.max_selected_items}
    placeholder=${element.placeholder?.text ?? DEFAULT_PLACEHOLDERS[kind]}
    labelledby=${labelledby} field=${field} ...${source} />`;
}

const ofOption = (option) => ({ key: option.value, label: option.text.text, hint: option.description?.text, option });
const optionOf = (choice) => choice.option;

const groupsOf = ({ options, option_groups: groups }) =>
  groups
    ? groups.map((group) => ({ label: group.label.text, choices: group.options.map(ofOption) }))
    : [{ choices: (options ?? []).map(ofOption) }];

const ofPerson = (id) => ({ key: id, label: nameOf(id), hint: state.people[id]?.title });
const ofChannel = (id) => {
  const channel = channelOf(id);
  return { key: id, label: channel ? `${isDirect(channel) ? "" : "#"}${channelName(channel)}` : id };
};
const idOf = (choice) => choice.key;

const SOURCES = {
  static_select: (element) => ({ choiceOf: ofOption, valueOf: optionOf, groups: groupsOf(element) }),
  external_select: (element, suggest) => ({
    choiceOf: ofOption,
    valueOf: optionOf,
    minQuery: element.min_query_length ?? DEFAULT_MIN_QUERY,
    load: async (query) => {
      try {
        const answer = await suggest(query);
        return answer.ok === false ? { groups: [], note: "Could not load results" } : { groups: groupsOf(answer), note: "" };
      } catch (error) {
        return { groups: [], note: error.message };
      }
    },
  }),
  users_select: () => ({
    choiceOf: ofPerson,
    valueOf: idOf,
    groups: [{ choices: [...cast().map((one) => one.id), state.app.bot_user_id].map(ofPerson) }],
  }),
  conversations_select: (element) => ({
    choiceOf: ofChannel,
    valueOf: idOf,
    groups: [{ choices: conversations(element.filter).map((channel) => ofChannel(channel.id)) }],
  }),
  channels_select: () => ({
    choiceOf: ofChannel,
    valueOf: idOf,
    groups: [{ choices: conversations({ include: ["public"] }).map((channel) => ofChannel(channel.id)) }],
  }),
};

const FILTER_WORDS = { channel: "public", private: "private", im: "im", app: "im", mpim: "mpim" };

const conversations = (filter) =>
  Object.values(state.channels).filter(
    (channel) =>
      (!filter?.include || filter.include.includes(FILTER_WORDS[channel.kind])) &&
      !(filter?.exclude_bot_users && channel.kind === "app"),
  );
