"""How to call a server without Prime: its address, its limits, and whether one may."""

from collections.abc import Sequence
from typing import Any

from bot.ids import Action
from bot.mrkdwn import code, escape
from bot.views.kit import Block, actions, button, confirm, context, modal, section
from bot.views.menu import Message
from bot.views.snippets import Target, build_curl, build_fetch_certificate, build_httpx, build_node, build_openai
from core.access.model import Role
from core.access.permissions import Permission, may
from core.catalog.model import EngineKind
from core.servers.model import Server, ServerCard, ServerState

NOT_REDACTED = "Redaction does not apply there: what is sent goes to the engine as it is, and no policy looks at it."

_NO_ADDRESS = "https://ADDRESS:PORT"


def build_usage(card: ServerCard, *, role: Role) -> Message:
    server = card.server
    target = Target(
        name=server.spec.name,
        url=card.url or _NO_ADDRESS,
        model="tgi" if server.spec.engine is EngineKind.TGI else server.spec.model,
    )
    blocks = [section(f"*How to call {server.spec.name}*\n{_address(card)}"), *_direct_access(server, role)]
    if target.is_encrypted:
        blocks += _certificate(server, target)
    blocks += [
        _snippet("curl", build_curl(target)),
        _snippet("Python, with the `openai` client", build_openai(target)),
        _snippet("Python, with `httpx`", build_httpx(target)),
        _snippet("Node", build_node(target)),
        _snippet("Parameters", _table(_parameters(server))),
        context(*_quirks(server)),
    ]
    return f"How to call {server.spec.name}", blocks


def build_usage_modal(card: ServerCard, *, role: Role) -> dict[str, Any]:
    """The same behind a button, which may stand in App Home, where no message can be shown."""
    return modal("servers.usage", "Usage", build_usage(card, role=role)[1], close="Close")


def build_fetching_key_modal(server: Server) -> dict[str, Any]:
    return _key_modal([section(f"Fetching the key of *{server.spec.name}* ...")])


def build_key_modal(server: Server, key: str) -> dict[str, Any]:
    return _key_modal(
        [
            section(f"The key of *{server.spec.name}*, for you alone:\n```{escape(key)}```"),
            context(f":warning: {NOT_REDACTED}", "That you saw it is in the audit log."),
        ]
    )


def _key_modal(blocks: Sequence[Block]) -> dict[str, Any]:
    return modal("servers.key", "Key", blocks, close="Close")


def _address(card: ServerCard) -> str:
    server = card.server
    engine = server.spec.engine.label
    if card.url is None:
        return f"It has no address now: it is {server.state}. It serves {code(server.spec.model)} with {engine}."
    note = "" if server.state is ServerState.READY else f" It is {server.state} now."
    return f"It serves {code(server.spec.model)} with {engine} at `{card.url}`.{note}"


def _direct_access(server: Server, role: Role) -> list[Block]:
    value = str(server.id)
    if not server.allows_direct_access:
        text = (
            ":lock: *Direct access is off.* The key is not given out: people talk to it through Prime, where personal "
            "data and secrets are replaced. An ADMIN can allow it."
        )
        ask = confirm("Allow direct access?", f"READ_WRITE can then see the key. {NOT_REDACTED}", verb="Allow")
        buttons = [button("Allow direct access", Action.SERVER_ALLOW_DIRECT, value=value, confirm=ask)]
        return [section(text), *([actions(*buttons)] if may(role, Permission.ALLOW_DIRECT_ACCESS) else [])]
    buttons = []
    if may(role, Permission.REVEAL_KEYS):
        buttons.append(button("Reveal key", Action.SERVER_REVEAL_KEY, value=value))
    if may(role, Permission.ALLOW_DIRECT_ACCESS):
        buttons.append(button("Forbid direct access", Action.SERVER_FORBID_DIRECT, value=value))
    blocks = [section(f":warning: *Direct access is allowed.* {NOT_REDACTED}")]
    return [*blocks, actions(*buttons)] if buttons else blocks


def _certificate(server: Server, target: Target) -> list[Block]:
    """How to know that it is this machine: no authority signs for it."""
    if server.fingerprint is None:
        return [context("It has not proven yet who it is, so Prime knows no certificate of it.")]
    pairs = ":".join(server.fingerprint[at : at + 2] for at in range(0, len(server.fingerprint), 2)).upper()
    return [
        _snippet("Once: its certificate, which nobody but the machine itself signed", build_fetch_certificate(target)),
        section(f"Go on only if that printed this fingerprint, which Prime checked:\n```{pairs}```"),
    ]


def _snippet(title: str, text: str) -> Block:
    return section(f"*{title}*\n```\n{escape(text)}\n```")


# --- what may be asked ----------------------------------------------------------------------------


def _parameters(server: Server) -> list[tuple[str, str]]:
    """What `/v1/chat/completions` takes (reference/tgi-api.md 2 and 8)."""
    options, is_tgi = server.spec.options, server.spec.engine is EngineKind.TGI
    total = "the model's context" if options.max_total_tokens is None else f"{options.max_total_tokens:,}"
    longest = "" if options.max_input_tokens is None else f"at most {options.max_input_tokens:,} tokens"
    shared = [
        ("messages", longest or f"with the answer at most {total} tokens"),
        ("max_tokens", f"at least 1; with the prompt at most {total} tokens"),
        ("stream", "true: words as they come, until `data: [DONE]`"),
        ("seed", "a whole number"),
        ("frequency_penalty", "-2 to 2"),
    ]
    if is_tgi:
        return [
            *shared,
            ("temperature", "0 takes the likeliest word; above 0 samples"),
            ("top_p", "above 0 and below 1: 1.0 is refused"),
            ("stop", f"a list of at most {options.max_stop_sequences or 4}; a bare string is refused"),
            ("presence_penalty", "leave it out: 0 becomes a repetition penalty of 2.0"),
            ("top_k, repetition_penalty", "only at /generate"),
            ("best_of", f"only at /generate, at most {options.max_best_of or 2}"),
            ("n, logit_bias", "ignored"),
            ("at once", f"{options.max_concurrent_requests or 128} requests; one more is refused (429)"),
        ]
    return [
        *shared,
        ("temperature", "0 to 2"),
        ("top_p", "above 0, at most 1"),
        ("stop", "a string or a list"),
        ("presence_penalty", "-2 to 2"),
        ("n", "at least 1"),
        ("at once", f"{options.max_concurrent_requests or 256} requests; more wait"),
    ]


def _table(rows: Sequence[tuple[str, str]]) -> str:
    width = max(len(name) for name, _ in rows)
    return "\n".join(f"{name:<{width}}  {meaning}" for name, meaning in rows)


def _quirks(server: Server) -> Sequence[str]:
    if server.spec.engine is EngineKind.TGI:
        return (
            "TGI calls whatever it serves `tgi`; another name is taken for an adapter and not refused.",
            "In a stream an error comes as a frame with `error` in it, with HTTP 200.",
            "An answer that ends on one of `stop` still holds it, with the reason `stop_sequence`.",
            "A model without a chat template takes plain text at `/generate`.",
        )
    return (
        "vLLM refuses another model name than this one.",
        "Values that are left out come from the model's own generation_config.json.",
        "What is wrong with a request is told by HTTP 400, also where a stream was asked for.",
    )
