"""A small Bolt app that uses every block the page draws."""

import asyncio
from typing import Any

from slack_bolt.async_app import AsyncApp

Json = dict[str, Any]

GPUS = ["A4000", "A6000", "A100", "H100"]
MODELS = [f"acme/model-{number}b" for number in (1, 3, 7, 13, 34, 70)]


def text(words: str) -> Json:
    return {"type": "plain_text", "text": words}


def mrkdwn(words: str) -> Json:
    return {"type": "mrkdwn", "text": words}


def option(words: str, value: str | None = None, **more: Any) -> Json:
    return {"text": text(words), "value": value or words, **more}


def entry(label: str, element: Json, *, block_id: str, **more: Any) -> Json:
    return {"type": "input", "block_id": block_id, "label": text(label), "element": element, **more}


def button(words: str, action_id: str, **more: Any) -> Json:
    return {"type": "button", "text": text(words), "action_id": action_id, **more}


MARKDOWN = """# Serving a model
A *quantised* **7B** model fits in `16 GB`. See [the docs](https://docs.example/serving) and <@U0BEA>.

- [x] weights loaded
- [ ] warm-up
  1. first prompt
  2. second prompt

> Tokens per second depend on the batch.

| GPU | Memory | Price |
|:----|:------:|------:|
| A4000 | 16 GB | $0.76 |
| A100 | 80 GB | $3.09 |

```python
def answer(prompt: str) -> str:
    return "<b>not bold</b>"
```
<img src=x onerror="document.title='hacked'"> and [a trap](javascript:alert(1)) stay text."""

RICH_TEXT = {
    "type": "rich_text",
    "elements": [
        {
            "type": "rich_text_section",
            "elements": [
                {"type": "text", "text": "Rich "},
                {"type": "text", "text": "text", "style": {"bold": True, "italic": True}},
                {"type": "text", "text": " for "},
                {"type": "user", "user_id": "U0NILS"},
                {"type": "text", "text": " in "},
                {"type": "channel", "channel_id": "C0GENERAL"},
                {"type": "text", "text": " "},
                {"type": "emoji", "name": "tada"},
            ],
        },
        {
            "type": "rich_text_list",
            "style": "bullet",
            "elements": [
                {"type": "rich_text_section", "elements": [{"type": "text", "text": words}]} for words in ("one", "two")
            ],
        },
        {"type": "rich_text_quote", "elements": [{"type": "text", "text": "quoted"}]},
        {"type": "rich_text_preformatted", "elements": [{"type": "text", "text": "make demo"}]},
    ],
}

CARD: list[Json] = [
    {"type": "header", "text": text("llama-chat")},
    {
        "type": "section",
        "text": mrkdwn(":large_green_circle: *ready* on an A100, by <@U0BEA>\n`acme/model-7b` · ~$3.19~ $3.09 an hour"),
        "accessory": {
            "type": "overflow",
            "action_id": "more",
            "options": [option("Logs", "logs"), option("Usage", "usage")],
        },
    },
    {"type": "section", "fields": [mrkdwn("*Region*\nAmsterdam"), mrkdwn("*Idle stop*\n30 minutes")]},
    {"type": "divider"},
    {
        "type": "actions",
        "block_id": "card",
        "elements": [
            button("Start", "start", style="primary", value="llama-chat"),
            button(
                "Delete",
                "delete",
                style="danger",
                confirm={
                    "title": text("Delete llama-chat?"),
                    "text": mrkdwn("The disk and *everything on it* is gone."),
                    "confirm": text("Delete"),
                    "deny": text("Keep"),
                    "style": "danger",
                },
            ),
            button("Documentation", "docs", url="https://docs.example/"),
            {
                "type": "static_select",
                "action_id": "gpu",
                "placeholder": text("Choose a GPU"),
                "options": [option(gpu) for gpu in GPUS],
            },
        ],
    },
    {"type": "context", "elements": [mrkdwn("up 3 h · 41,200 tokens · :lock: 2 redactions")]},
]  # fmt: skip

ANSWER: list[Json] = [
    {"type": "markdown", "text": MARKDOWN},
    {
        "type": "context_actions",
        "elements": [
            {
                "type": "feedback_buttons",
                "action_id": "feedback",
                "positive_button": {"text": text("Good answer"), "value": "good"},
                "negative_button": {"text": text("Bad answer"), "value": "bad"},
            }
        ],
    },
]

TYPED: list[Json] = [
    entry(
        "Search",
        {
            "type": "plain_text_input",
            "action_id": "search",
            "dispatch_action_config": {"trigger_actions_on": ["on_character_entered"]},
        },
        block_id="search",
        dispatch_action=True,
    ),
    entry("Exact", {"type": "plain_text_input", "action_id": "exact"}, block_id="exact", dispatch_action=True),
    entry("Quiet", {"type": "plain_text_input", "action_id": "quiet"}, block_id="quiet"),
]

TABLE = {
    "type": "table",
    "column_settings": [{"align": "left"}, {"align": "right"}],
    "rows": [
        [{"type": "raw_text", "text": words} for words in row]
        for row in (("Server", "Spent"), ("llama-chat", "$12.40"), ("tiny", "$0.76"))
    ],
}

HOME: Json = {
    "type": "home",
    "blocks": [
        {"type": "header", "text": text("Your servers")},
        {
            "type": "section",
            "block_id": "server",
            "text": mrkdwn("*llama-chat*\nready · A100 · $3.09 an hour"),
            "accessory": button("Stop", "stop"),
        },
        {"type": "divider"},
        {
            "type": "section",
            "block_id": "theme",
            "text": text("Idle stop"),
            "accessory": {
                "type": "static_select",
                "action_id": "idle",
                "options": [option("30 minutes", "30"), option("2 hours", "120")],
                "initial_option": option("30 minutes", "30"),
            },
        },
        {"type": "context", "elements": [mrkdwn("This month: *$41.20*")]},
    ],
}


def create_form(*, gpu: str | None = None) -> Json:
    """The second select depends on the first; its ids change with it, since Slack keeps what has the same ids."""
    dependent = (
        [
            entry(
                "Region",
                {
                    "type": "static_select",
                    "action_id": "region",
                    "options": [option(f"{gpu} in {city}", city) for city in ("Amsterdam", "New York")],
                },
                block_id=f"region-{gpu}",
            )
        ]
        if gpu
        else []
    )
    return {
        "type": "modal",
        "callback_id": "create",
        "title": text("Create a server"),
        "submit": text("Create"),
        "close": text("Cancel"),
        "notify_on_close": True,
        "blocks": [
            entry("Name", {"type": "plain_text_input", "action_id": "name"}, block_id="name", hint=text("A label.")),
            entry(
                "GPU",
                {
                    "type": "static_select",
                    "action_id": "gpu",
                    "placeholder": text("Choose a GPU"),
                    "options": [option(name, description=text("by the hour")) for name in GPUS],
                },
                block_id="gpu",
                dispatch_action=True,
            ),
            *dependent,
            entry(
                "Model",
                {"type": "external_select", "action_id": "model", "min_query_length": 0},
                block_id="model",
            ),
            {"type": "actions", "block_id": "advanced", "elements": [button("Advanced", "advanced")]},
        ],
    }  # fmt: skip


def advanced_form() -> Json:
    """Every input there is."""
    inputs = [
        ("Batch size", {"type": "number_input", "is_decimal_allowed": False, "min_value": "1", "max_value": "64"}),
        ("Notes", {"type": "plain_text_input", "multiline": True}),
        ("Mail", {"type": "email_text_input"}),
        ("Link", {"type": "url_text_input"}),
        ("Quantization", {"type": "radio_buttons", "options": [option("None"), option("AWQ"), option("GPTQ")]}),
        ("Options", {"type": "checkboxes", "options": [option("Trust remote code"), option("Flash attention")]}),
        ("End date", {"type": "datepicker", "initial_date": "2026-12-24"}),
        ("End time", {"type": "timepicker"}),
        ("Start at", {"type": "datetimepicker"}),
        ("Owner", {"type": "users_select"}),
        ("Channel", {"type": "conversations_select"}),
        ("Tags", {"type": "multi_static_select", "options": [option("chat"), option("code"), option("test")]}),
        ("Readme", {"type": "rich_text_input"}),
        ("Files", {"type": "file_input"}),
    ]
    return {
        "type": "modal",
        "callback_id": "advanced",
        "title": text("Advanced"),
        "submit": text("Apply"),
        "blocks": [
            entry(label, {**element, "action_id": "value"}, block_id=label, optional=True) for label, element in inputs
        ],
    }


def register(app: AsyncApp, heard: list[Json]) -> None:
    """`heard` gets every payload of an action or submission."""

    @app.command("/prime")
    async def prime(ack: Any, command: Json, client: Any, respond: Any, say: Any) -> None:
        match command["text"].split():
            case ["slow"]:
                await asyncio.sleep(3.5)
            case ["create"]:
                await ack()
                await client.views_open(trigger_id=command["trigger_id"], view=create_form())
            case ["card"]:
                await ack()
                await say(text="llama-chat is ready", blocks=CARD)
            case ["answer"]:
                await ack()
                await say(text="An answer", blocks=ANSWER)
            case ["typed"]:
                await ack()
                await say(text="Fields", blocks=TYPED)
            case ["rich"]:
                await ack()
                await say(text="Rich text", blocks=[RICH_TEXT, TABLE])
            case _:
                await ack()
                await respond(text="*help* shows `/prime` commands, <@U0NILS>.")

    @app.options("model")
    async def models(ack: Any, payload: Json) -> None:
        await ack(options=[option(model) for model in MODELS if payload["value"] in model])

    @app.action("gpu")
    async def choose_gpu(ack: Any, body: Json, client: Any) -> None:
        heard.append(body)
        await ack()
        if "view" in body:
            gpu = body["actions"][0]["selected_option"]["value"]
            await client.views_update(view_id=body["view"]["id"], view=create_form(gpu=gpu))

    @app.action("advanced")
    async def open_advanced(ack: Any, body: Json, client: Any) -> None:
        await ack()
        await client.views_push(trigger_id=body["trigger_id"], view=advanced_form())

    @app.view("create")
    async def create(ack: Any, body: Json, client: Any) -> None:
        heard.append(body)
        name = body["view"]["state"]["values"]["name"]["name"]["value"]
        if name == "slow":
            await asyncio.sleep(3.5)
        elif not name.isalnum():
            await ack(response_action="errors", errors={"name": "Only letters and digits."})
        else:
            await ack()
            await client.chat_postMessage(channel=body["user"]["id"], text=f"Ordering *{name}* …")

    @app.view("advanced")
    async def advanced(ack: Any, body: Json) -> None:
        heard.append(body)
        await ack()

    @app.view_closed("create")
    async def closed(ack: Any, body: Json) -> None:
        heard.append(body)
        await ack()

    for action in ("start", "stop", "delete", "docs", "more", "idle", "feedback", "search", "exact"):

        @app.action(action)
        async def take(ack: Any, body: Json) -> None:
            heard.append(body)
            await ack()

    @app.event("app_mention")
    async def mentioned(event: Json, say: Any, client: Any) -> None:
        thread = event.get("thread_ts", event["ts"])
        answer = await say(text="thinking …", thread_ts=thread)
        await client.chat_update(channel=event["channel"], ts=answer["ts"], text="The answer is *42*.")

    @app.event("app_home_opened")
    async def home_opened(event: Json, client: Any) -> None:
        if event["tab"] == "home":
            await client.views_publish(user_id=event["user"], view=HOME)

    @app.shortcut("create_server")
    async def shortcut(ack: Any, body: Json, client: Any) -> None:
        await ack()
        await client.views_open(trigger_id=body["trigger_id"], view=create_form())

    @app.shortcut("ask_about_message")
    async def ask(ack: Any, body: Json, respond: Any) -> None:
        await ack()
        await respond(text=f"You asked about: {body['message']['text']}")

    @app.event("message")
    async def message() -> None:
        pass
