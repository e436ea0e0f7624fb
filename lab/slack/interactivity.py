"""What people do with the app: commands, elements, modals, shortcuts, the Home tab (slack-platform.md 1 to 5)."""

from dataclasses import dataclass
from typing import Any

from lab.slack import block_state, form_checks
from lab.slack.app import APP_ID, InstalledApp
from lab.slack.blocks import validate_message_blocks
from lab.slack.channels import Channel, Message
from lab.slack.deliveries import Deliveries, Kind
from lab.slack.errors import SlackError
from lab.slack.events import Events
from lab.slack.files import Files
from lab.slack.happenings import View
from lab.slack.people import APP_USER_ID, TEAM_DOMAIN, TEAM_ID
from lab.slack.replies import Replies
from lab.slack.tickets import ResponseUrls, Triggers
from lab.slack.views import OpenView, Views
from lab.slack.workspace import Workspace

MIN_QUERY_LENGTH = 3

Json = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Spot:
    """Where an element stands: in a message, or in a view."""

    blocks: list[Json]
    container: Json
    context: Json
    """What the payload tells of the surroundings: `channel` and `message`, or `view`."""
    channel: Channel | None = None
    ts: str | None = None
    thread_ts: str | None = None
    modal: OpenView | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Interactivity:
    app: InstalledApp
    workspace: Workspace
    views: Views
    triggers: Triggers
    response_urls: ResponseUrls
    deliveries: Deliveries
    replies: Replies
    events: Events
    files: Files

    # --- commands and shortcuts ------------------------------------------------------------------

    async def command(self, user: str, channel: Channel, command: str, text: str, *, thread_ts: str | None) -> None:
        """Raises SlackError with what the person is shown if it fails."""
        declared = next((entry for entry in self.app.manifest.commands if entry.command == command), None)
        if declared is None or self.app.refused:
            raise SlackError("unknown_command", f"{command} is not a valid command.")
        if thread_ts is not None:
            raise SlackError("not_in_thread", f"{command} is not supported in threads. Sorry!")
        person = self.workspace.person(user)
        payload = {
            "token": self.app.verification_token,
            "team_id": TEAM_ID,
            "team_domain": TEAM_DOMAIN,
            "channel_id": channel.id,
            "channel_name": "directmessage" if channel.is_direct else channel.name,
            "user_id": user,
            "user_name": person.name,
            "command": command,
            "text": self.workspace.escape_typed(text) if declared.should_escape else text,
            "api_app_id": APP_ID,
            "is_enterprise_install": False,
            "response_url": self.response_urls.issue(user, channel),
            "trigger_id": self.triggers.issue(user, channel=channel.id),
        }
        answer = await self.deliveries.ask(Kind.COMMAND, command, payload)
        try:
            self.replies.to_command(answer, channel=channel, user=user, typed=f"{command} {text}".strip())
        except SlackError:
            message = f'{command} failed with the error "invalid_command_response".'
            raise SlackError("invalid_command_response", message) from None

    async def shortcut(self, user: str, callback_id: str, channel: Channel | None, ts: str | None) -> None:
        """A global shortcut, or one on a message if `ts` is given."""
        kind = "global" if ts is None else "message"
        if not any(entry.callback_id == callback_id and entry.type == kind for entry in self.app.manifest.shortcuts):
            raise SlackError("unknown_shortcut", "The app has no such shortcut.")
        payload = self._base("shortcut" if ts is None else "message_action", user) | {
            "callback_id": callback_id,
            "trigger_id": self.triggers.issue(user, channel=channel.id if channel else None),
            "action_ts": self.workspace.new_ts(),
        }
        if ts is not None:
            assert channel is not None
            message = self._message(channel, ts)
            payload |= {
                "channel": _channel_stub(channel),
                "message": channel.with_reply_facts(message),
                "message_ts": ts,
                "response_url": self.response_urls.issue(
                    user, channel, original=ts, thread_ts=message.get("thread_ts")
                ),
            }
        await self._ask(payload)

    # --- elements --------------------------------------------------------------------------------

    async def act(self, user: str, spot: Spot, block_id: str, action_id: str, value: Json, state: Json | None) -> None:
        """Presses or chooses: a block_actions payload."""
        block, element = self._element(spot, block_id, action_id)
        if block["type"] == "input" and not block.get("dispatch_action"):
            raise SlackError("not_dispatched", "This input tells the app nothing before the form is submitted.")
        action = _action(element, value)
        given = _with_action(state, block_id, element, action)
        context = spot.context
        if spot.modal is not None:
            spot.modal.take_state(given)
            context = {"view": spot.modal.view}
        elif spot.channel is None:
            context = {"view": {**spot.context["view"], "state": {"values": block_state.read(spot.blocks, given)}}}
        payload = self._base("block_actions", user) | {
            "container": spot.container,
            "trigger_id": self.triggers.issue(
                user,
                view_id=spot.modal.id if spot.modal else None,
                channel=spot.channel.id if spot.channel else None,
            ),
            **context,
            "actions": [{**action, "block_id": block_id, "action_ts": self.workspace.new_ts()}],
        }
        if spot.channel is not None:
            payload["state"] = {"values": block_state.read(spot.blocks, given, channel=spot.channel.id)}
            payload["response_url"] = self.response_urls.issue(
                user, spot.channel, original=spot.ts, thread_ts=spot.thread_ts
            )
        await self._ask(payload)

    async def suggest(self, user: str, spot: Spot, block_id: str, action_id: str, query: str) -> Json:
        """Loads the options of an external select: `{"options": [...]}` or `{"option_groups": [...]}`."""
        _, element = self._element(spot, block_id, action_id)
        if len(query) < element.get("min_query_length", MIN_QUERY_LENGTH):
            raise SlackError("query_too_short", "Type more before options are loaded.")
        context = dict(spot.context)
        if spot.modal is not None:
            context["view"] = {**spot.modal.view, "state": {"values": spot.modal.settled}}
        payload = self._base("block_suggestion", user) | {
            "action_id": action_id,
            "block_id": block_id,
            "value": query,
            "container": spot.container,
            **context,
        }
        return _checked_options(await self._ask(payload))

    def spot_in_message(self, user: str, channel: Channel, ts: str) -> Spot:
        ephemeral = channel.ephemerals.get(ts)
        if ephemeral is not None and ephemeral[0] == user:
            message, context = ephemeral[1], {"channel": _channel_stub(channel)}
        else:
            message = self._message(channel, ts)
            context = {"channel": _channel_stub(channel), "message": channel.with_reply_facts(message)}
        if message.get("user") != APP_USER_ID:
            raise SlackError("not_interactive", "That message is not the app's.")
        container = {
            "type": "message",
            "message_ts": ts,
            "channel_id": channel.id,
            "is_ephemeral": ephemeral is not None,
        }
        thread_ts = message.get("thread_ts")
        if thread_ts:
            container["thread_ts"] = thread_ts
        return Spot(
            blocks=message.get("blocks", []),
            container=container,
            context=context,
            channel=channel,
            ts=ts,
            thread_ts=thread_ts,
        )

    def spot_in_view(self, user: str, view_id: str) -> Spot:
        container = {"type": "view", "view_id": view_id}
        home = self.views.home(user)
        if home is not None and home["id"] == view_id:
            return Spot(blocks=home["blocks"], container=container, context={"view": home})
        modal = self.views.get(user, view_id)
        return Spot(blocks=modal.view["blocks"], container=container, context={"view": modal.view}, modal=modal)

    # --- modals and Home -------------------------------------------------------------------------

    async def submit(self, user: str, view_id: str, state: Json) -> Json:
        """Submits a modal: `{}`, or `{"errors": {block_id: text}}` where the form or the app finds fault."""
        modal = self.views.get(user, view_id)
        modal.take_state(state)
        if errors := form_checks.errors(modal.view["blocks"], modal.view["state"]["values"]):
            return {"errors": errors}
        for elements in modal.view["state"]["values"].values():
            for value in elements.values():
                if value["type"] == "file_input":
                    value["files"] = self.files.give_to_app(user, value["files"])
        payload = self._base("view_submission", user) | {
            "trigger_id": self.triggers.issue(user, view_id=view_id, channel=modal.channel),
            "view": modal.view,
            "response_urls": self._response_urls(user, modal.view),
        }
        answer = await self._ask(payload)
        try:
            modal = self.views.get(user, view_id)  # it may have been closed meanwhile
            return self._take_response_action(modal, answer)
        except SlackError as error:
            raise SlackError("invalid_response_action", "We had some trouble connecting. Try again?") from error

    async def close_view(self, user: str, view_id: str, *, whole_stack: bool) -> None:
        """Cancel closes one view; the X closes the stack and is reported for its root."""
        modal = self.views.get(user, view_id)
        whole_stack = whole_stack or modal.view["clear_on_close"]
        reported = self.views.root(modal) if whole_stack else modal
        if whole_stack:
            self.views.clear(user)
        else:
            self.views.close(modal)
        if not reported.view["notify_on_close"]:
            return
        payload = self._base("view_closed", user) | {
            "view": {**reported.view, "state": {"values": {}}},
            "is_cleared": whole_stack,
        }
        try:
            await self._ask(payload)
        except SlackError:
            return  # the person has left the modal; there is nobody to tell

    def open_home(self, user: str, tab: str) -> View | None:
        """The Home tab as published, if ever."""
        manifest = self.app.manifest
        if not (manifest.home_tab_enabled if tab == "home" else manifest.messages_tab_enabled):
            raise SlackError("not_enabled", "The app does not have this tab.")
        view = self.views.home(user)
        channel = self.workspace.direct_message([user, APP_USER_ID])
        self.events.home_opened(user, channel, tab, view if tab == "home" else None)
        return view

    async def _ask(self, payload: Json) -> Json:
        if not self.app.manifest.interactivity_enabled or self.app.refused:
            raise SlackError("dispatch_failed", "The app has no interactivity.")
        return await self.deliveries.ask(Kind.INTERACTIVE, payload["type"], payload)

    def _take_response_action(self, modal: OpenView, answer: Json) -> Json:
        match answer.get("response_action"):
            case None:
                self.views.close(modal)
            case "clear":
                self.views.clear(modal.user)
            case "update":
                self.views.update(modal, answer.get("view"))
            case "push":
                self.views.push(modal.user, answer.get("view"))
            case "errors":
                return {"errors": _checked_errors(modal.view, answer.get("errors"))}
            case _:
                raise SlackError("invalid_arguments")
        return {}

    def _response_urls(self, user: str, view: View) -> list[Json]:
        """One for each channel select that asks for it."""
        urls: list[Json] = []
        for block, element in block_state.elements(view["blocks"]):
            if block["type"] != "input" or not element.get("response_url_enabled"):
                continue
            value = view["state"]["values"][block["block_id"]][element["action_id"]]
            chosen = value.get("selected_conversation") or value.get("selected_channel")
            if chosen:
                channel = self.workspace.channel(chosen, seen_by=user)
                ids = {"block_id": block["block_id"], "action_id": element["action_id"], "channel_id": chosen}
                urls.append({**ids, "response_url": self.response_urls.issue(user, channel)})
        return urls

    def _base(self, payload_type: str, user: str) -> Json:
        person = self.workspace.person(user)
        return {
            "type": payload_type,
            "token": self.app.verification_token,
            "team": {"id": TEAM_ID, "domain": TEAM_DOMAIN},
            "user": {"id": user, "username": person.name, "name": person.name, "team_id": person.team_id},
            "api_app_id": APP_ID,
            "enterprise": None,
            "is_enterprise_install": False,
        }

    def _message(self, channel: Channel, ts: str) -> Message:
        if ts not in channel.messages:
            raise SlackError("message_not_found", "There is no such message.")
        return channel.messages[ts]

    def _element(self, spot: Spot, block_id: str, action_id: str) -> tuple[Json, Json]:
        found = block_state.find(spot.blocks, block_id, action_id)
        if found is None:
            raise SlackError("element_not_found", "That element is not there any more.")
        return found


def _action(element: Json, value: Json) -> Json:
    """What an action tells, by type of element. What only the app can say is not taken from the page."""
    action: Json = {"action_id": element["action_id"], "type": element["type"]}
    match element["type"]:
        case "button" | "workflow_button":
            action |= {key: element[key] for key in ("text", "value", "style", "url") if key in element}
        case "icon_button":
            action |= {key: element[key] for key in ("value", "icon") if key in element}
        case "feedback_buttons":
            offered = [element["positive_button"], element["negative_button"]]
            pressed = next((button for button in offered if button["value"] == value.get("value")), None)
            if pressed is None:
                raise SlackError("option_not_found", "There is no such button.")
            action |= {"text": pressed["text"], "value": pressed["value"]}
        case "overflow":
            action["selected_option"] = _offered(element, value.get("selected_option"))
        case kind:
            key = block_state.VALUE_KEYS[kind][0]
            chosen = value.get(key)
            for option in chosen if isinstance(chosen, list) else [chosen]:
                if isinstance(option, dict) and "external" not in kind and kind != "rich_text_input":
                    _offered(element, option)
            action[key] = chosen
    return action


def _offered(element: Json, option: Any) -> Json:
    groups = element.get("option_groups") or []
    offered = [*(element.get("options") or []), *(entry for group in groups for entry in group["options"])]
    for entry in offered:
        if isinstance(option, dict) and entry.get("value") == option.get("value"):
            return entry
    raise SlackError("option_not_found", "That option is not offered.")


def _with_action(state: Json | None, block_id: str, element: Json, action: Json) -> Json | None:
    """The state as the person's client has it, the choice just made included."""
    if element["type"] not in block_state.VALUE_KEYS:
        return state
    key = block_state.VALUE_KEYS[element["type"]][0]
    block = {**((state or {}).get(block_id) or {}), element["action_id"]: {"type": element["type"], key: action[key]}}
    return {**(state or {}), block_id: block}


def _checked_options(answer: Json) -> Json:
    """Raises SlackError for what Slack shows as a broken menu."""
    key = "option_groups" if "option_groups" in answer else "options"
    options = answer.get(key)
    if options == []:
        return {"options": []}
    select = {"type": "static_select", "action_id": "a", key: options}
    if not isinstance(options, list) or validate_message_blocks([{"type": "actions", "elements": [select]}]):
        raise SlackError("invalid_options", "The app's options could not be shown.")
    return {key: options}


def _checked_errors(view: View, errors: Any) -> dict[str, str]:
    inputs = {block["block_id"] for block in view["blocks"] if block["type"] == "input"}
    if not isinstance(errors, dict) or not errors or not errors.keys() <= inputs:
        raise SlackError("invalid_arguments")
    if not all(isinstance(text, str) and text for text in errors.values()):
        raise SlackError("invalid_arguments")
    return errors


def _channel_stub(channel: Channel) -> Json:
    return {"id": channel.id, "name": "directmessage" if channel.is_direct else channel.name}
