"""Bodies of TGI's requests: of which shape they must be, and within which limits."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from lab.engine.runtime import Job, Said, chat_tokens
from lab.engine.settings import Settings
from lab.engine.tokens import count

Check = Callable[[Any], bool]

SAMPLING = ("temperature", "top_p", "top_k", "repetition_penalty", "frequency_penalty", "seed")

CHECKED_AHEAD = 1024
"""More than that many new tokens are not counted against the limit before they are made (3.3)."""


class NotDeserializableError(Exception):
    """The body is JSON of another shape: the web framework refuses it in plain text, before the handler."""

    def __init__(self, detail: str) -> None:
        super().__init__(f"Failed to deserialize the JSON body into the target type: {detail}")


class RefusedError(Exception):
    """The handler refuses it: `{"error", "error_type"}`."""

    def __init__(self, text: str, kind: str = "validation") -> None:
        super().__init__(f"Input validation error: {text}" if kind == "validation" else text)
        self.kind = kind


@dataclass(frozen=True, slots=True, kw_only=True)
class GenerateBody:
    inputs: str
    parameters: Mapping[str, Any]
    stream: bool
    """Only of use on `/`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatBody:
    messages: list[Said]
    fields: Mapping[str, Any]
    stream: bool
    include_usage: bool

    @property
    def goes_on(self) -> bool:
        """A chat that ends with the assistant's words is gone on with from there."""
        return bool(self.messages) and self.messages[-1].role == "assistant"

    @property
    def model(self) -> str | None:
        """What answers shall call the model; None for its own name."""
        name = self.fields.get("model")
        return None if name in (None, "", "tgi") else name


def generate_body(body: Any) -> GenerateBody:
    """Raises NotDeserializableError."""
    fields = _fields(body, {"inputs": _is_text, "parameters": _is_object, "stream": _is_truth}, required=("inputs",))
    parameters = _fields(fields.get("parameters", {}), PARAMETERS)
    return GenerateBody(inputs=fields["inputs"], parameters=parameters, stream=fields.get("stream", False))


def chat_body(body: Any) -> ChatBody:
    """Raises NotDeserializableError."""
    fields = _fields(body, CHAT, required=("messages",))
    options = _fields(fields.get("stream_options", {}), {"include_usage": _is_truth})
    return ChatBody(
        messages=[_said(message) for message in fields["messages"]],
        fields=fields,
        stream=fields.get("stream", False),
        include_usage=options.get("include_usage", False),
    )


def generate_job(body: GenerateBody, settings: Settings, *, streams: bool) -> Job:
    """Raises RefusedError."""
    parameters = body.parameters
    _check_generate(parameters, settings, streams=streams)
    if not body.inputs:
        raise RefusedError("`inputs` cannot be empty")
    prompt = count(body.inputs) + 1
    truncate = parameters.get("truncate")
    prompt = min(prompt, truncate) if truncate else prompt
    most = _most(prompt, parameters.get("max_new_tokens"), settings)
    said = Said("user", body.inputs)
    return Job(
        messages=[said],
        prompt_tokens=prompt,
        most=most,
        stop=parameters.get("stop") or [],
        is_chat=False,
        sampling=_given(parameters) | ({} if _samples(parameters) else {"temperature": 0}),
    )


def chat_job(body: ChatBody, settings: Settings) -> Job:
    """Raises RefusedError."""
    fields = body.fields
    penalty = fields.get("presence_penalty")
    _check_sampling(
        {
            "top_p": fields.get("top_p"),
            "frequency_penalty": fields.get("frequency_penalty"),
            "temperature": fields.get("temperature") or None,  # 0 means greedy here
            "repetition_penalty": None if penalty is None else penalty + 2.0,
            "top_n_tokens": fields.get("top_logprobs"),
            "stop": fields.get("stop"),
        },
        settings,
    )
    prompt = chat_tokens(body.messages, goes_on=body.goes_on)
    asked = fields.get("max_tokens", fields.get("max_completion_tokens"))
    return Job(
        messages=body.messages,
        prompt_tokens=prompt,
        most=_most(prompt, asked, settings),
        stop=fields.get("stop") or [],
        goes_on=body.goes_on,
        sampling=_given(fields) | ({} if penalty is None else {"repetition_penalty": penalty + 2.0}),
    )


def _given(fields: Mapping[str, Any]) -> dict[str, Any]:
    """What is asked of sampling, as far as others have the same word for it."""
    return {name: fields[name] for name in SAMPLING if fields.get(name) is not None}


def _most(prompt: int, asked: int | None, settings: Settings) -> int:
    if prompt > settings.max_input_tokens:
        raise RefusedError(f"`inputs` must have less than {settings.max_input_tokens} tokens. Given: {prompt}")
    room = settings.max_total_tokens - prompt
    if asked is None:
        return room
    if asked < 1:
        raise RefusedError("`max_new_tokens` must be strictly positive")
    if min(asked, CHECKED_AHEAD) > room:
        raise RefusedError(
            f"`inputs` tokens + `max_new_tokens` must be <= {settings.max_total_tokens}."
            f" Given: {prompt} `inputs` tokens and {asked} `max_new_tokens`"
        )
    return min(asked, room)


def _check_generate(parameters: Mapping[str, Any], settings: Settings, *, streams: bool) -> None:
    best_of, truncate = parameters.get("best_of"), parameters.get("truncate")
    if best_of is not None and not 0 < best_of <= settings.max_best_of:
        raise RefusedError(f"`best_of` must be > 0 and <= {settings.max_best_of}. Given: {best_of}")
    if (best_of or 1) > 1:
        if streams:
            raise RefusedError("`best_of` != 1 is not supported when streaming tokens")
        if parameters.get("seed") is not None:
            raise RefusedError("`seed` must not be set when `best_of` > 1")
        if not _samples(parameters):
            raise RefusedError("you must use sampling when `best_of` is > 1")
    if streams and parameters.get("decoder_input_details"):
        raise RefusedError("`decoder_input_details` == true is not supported when streaming tokens")
    if truncate is not None and not 0 < truncate <= settings.max_input_tokens:
        raise RefusedError(
            f"`truncate` must be strictly positive and less than {settings.max_input_tokens}. Given: {truncate}"
        )
    _check_sampling(parameters, settings)


def _samples(parameters: Mapping[str, Any]) -> bool:
    return bool(parameters.get("do_sample")) or any(
        parameters.get(name) is not None for name in ("temperature", "top_k", "top_p", "typical_p")
    )


def _check_sampling(parameters: Mapping[str, Any], settings: Settings) -> None:
    def broken(name: str, within: Callable[[Any], bool]) -> bool:
        return (value := parameters.get(name)) is not None and not within(value)

    if broken("temperature", lambda value: value > 0):
        raise RefusedError("`temperature` must be strictly positive")
    if broken("repetition_penalty", lambda value: value > 0):
        raise RefusedError("`repetition_penalty` must be strictly positive")
    if broken("frequency_penalty", lambda value: -2 <= value <= 2):
        raise RefusedError("`frequency_penalty` must be >= -2.0 and <= 2.0")
    if broken("top_p", lambda value: 0 < value < 1):
        raise RefusedError("`top_p` must be > 0.0 and < 1.0")
    if broken("top_k", lambda value: value > 0):
        raise RefusedError("`top_k` must be strictly positive")
    if broken("typical_p", lambda value: 0 < value < 1):
        raise RefusedError("`typical_p` must be > 0.0 and < 1.0")
    if broken("stop", lambda value: len(value) <= settings.max_stop_sequences):
        given = len(parameters["stop"])
        raise RefusedError(f"`stop` supports up to {settings.max_stop_sequences} stop sequences. Given: {given}")
    if broken("top_n_tokens", lambda value: value <= settings.max_top_n_tokens):
        raise RefusedError(
            f"`top_n_tokens` must be >= 0 and <= {settings.max_top_n_tokens}. Given: {parameters['top_n_tokens']}"
        )


def _said(message: Any) -> Said:
    if not isinstance(message, dict) or not isinstance(message.get("role"), str):
        raise NotDeserializableError("messages: missing field `role`")
    content = message.get("content")
    if isinstance(content, str):
        return Said(message["role"], content)
    if isinstance(content, list):
        return Said(message["role"], "".join(_part(part) for part in content))
    if content is None and isinstance(message.get("tool_calls"), list):
        return Said(message["role"], "")
    raise NotDeserializableError("messages: data did not match any variant of untagged enum MessageBody")


def _part(part: Any) -> str:
    match part:
        case {"type": "text", "text": str(text)}:
            return text
        case {"type": "image_url", "image_url": {"url": str(url)}}:
            return f"![]({url})"
        case _:
            raise NotDeserializableError("messages: data did not match any variant of untagged enum MessageContent")


def _fields(body: Any, checks: Mapping[str, Check], *, required: tuple[str, ...] = ()) -> dict[str, Any]:
    """The fields that are known; others are ignored."""
    if not isinstance(body, dict):
        raise NotDeserializableError("invalid type, expected a map")
    for name in required:
        if name not in body:
            raise NotDeserializableError(f"missing field `{name}`")
    for name, is_right in checks.items():
        if name in body and not is_right(body[name]):
            raise NotDeserializableError(f"{name}: invalid type")
    return {name: body[name] for name in checks if name in body}


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_truth(value: Any) -> bool:
    return isinstance(value, bool)


def _is_object(value: Any) -> bool:
    return isinstance(value, dict)


def _is_list(value: Any) -> bool:
    return isinstance(value, list)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _whole(bits: int, *, signed: bool = False) -> Check:
    low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1)) if signed else (0, 2**bits)
    return lambda value: isinstance(value, int) and not isinstance(value, bool) and low <= value < high


def _or_null(check: Check) -> Check:
    return lambda value: value is None or check(value)


PARAMETERS: Mapping[str, Check] = {
    "max_new_tokens": _or_null(_whole(32)),
    "do_sample": _is_truth,
    "temperature": _or_null(_is_number),
    "top_k": _or_null(_whole(32, signed=True)),
    "top_p": _or_null(_is_number),
    "typical_p": _or_null(_is_number),
    "repetition_penalty": _or_null(_is_number),
    "frequency_penalty": _or_null(_is_number),
    "stop": _is_texts,
    "seed": _or_null(_whole(64)),
    "best_of": _or_null(_whole(64)),
    "truncate": _or_null(_whole(64)),
    "top_n_tokens": _or_null(_whole(32)),
    "details": _is_truth,
    "decoder_input_details": _is_truth,
    "return_full_text": _or_null(_is_truth),
    "watermark": _is_truth,
}
CHAT: Mapping[str, Check] = {
    "messages": _is_list,
    "model": _or_null(_is_text),
    "max_tokens": _or_null(_whole(32)),
    "max_completion_tokens": _or_null(_whole(32)),
    "temperature": _or_null(_is_number),
    "top_p": _or_null(_is_number),
    "frequency_penalty": _or_null(_is_number),
    "presence_penalty": _or_null(_is_number),
    "seed": _or_null(_whole(64)),
    "stop": _or_null(_is_texts),
    "logprobs": _or_null(_is_truth),
    "top_logprobs": _or_null(_whole(32)),
    "stream": _is_truth,
    "stream_options": _is_object,
    "n": _or_null(_whole(32)),
    "tools": _or_null(_is_list),
    "response_format": _or_null(_is_object),
}
