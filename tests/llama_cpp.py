"""A real engine that shares no code with the lab's: llama.cpp's server, in a process of its own, with a model of ours.

The model looks at the last token alone, so it is known what it says, and none of it is learned: each token of `ANSWER`
is followed by the next one, and any other by the first. What ends in `ENDLESS` is answered without end."""

import asyncio
import sys
import threading
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import gguf
import numpy as np
from gguf.constants import TokenType
from xllamacpp import CommonParams, Server  # pyright: ignore[reportAttributeAccessIssue]: it is compiled

ANSWER = ["A real", " engine", " says", " 日本語,", " then ", *"🙂".encode(), " and", " a line", "\u2028", "separator."]
"""Words that are tokens, and the bytes of a character that comes as four."""
TEXT = "A real engine says 日本語, then 🙂 and a line\u2028separator."
ENDLESS = "!"
AGAIN = " on"

NAME = "tiny"
WINDOW = 32_768
SLOTS = 2
WIDTH = 320
"""A place for each token."""
END = "<|end|>"
TEMPLATE = "{% for message in messages %}{{ message['content'] }}{% endfor %}"
READY_SECONDS = 20


def write_model(path: Path) -> None:
    words = [one for one in ANSWER if isinstance(one, str)]
    tokens = [*(_SPELLED[byte] for byte in range(256)), *map(_spelled, [*words, AGAIN]), END]
    end, again = len(tokens) - 1, len(tokens) - 2
    said = [one if isinstance(one, int) else 256 + words.index(one) for one in ANSWER]
    follows = np.full(len(tokens), said[0])
    follows[said] = [*said[1:], end]
    follows[[ENDLESS.encode()[0], again]] = again

    writer = gguf.GGUFWriter(path, "llama")
    writer.add_name(NAME)
    writer.add_context_length(WINDOW)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(1)
    writer.add_feed_forward_length(32)
    writer.add_head_count(10)
    writer.add_head_count_kv(1)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_vocab_size(len(tokens))
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(tokens)
    writer.add_token_types([*[TokenType.NORMAL] * end, TokenType.CONTROL])
    writer.add_token_merges([f"{_SPELLED[0]} {_SPELLED[0]}"])  # there has to be one
    writer.add_bos_token_id(end)
    writer.add_add_bos_token(False)
    writer.add_eos_token_id(end)
    writer.add_chat_template(TEMPLATE)
    for name, weights in _weights(follows).items():
        writer.add_tensor(name, weights.astype(np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


@asynccontextmanager
async def llama_server(model: Path, *, key: str) -> AsyncIterator[str]:
    """The URL of a server with the model, which answers `SLOTS` requests at a time."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.llama_cpp",
        str(model),
        key,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(READY_SECONDS):
            while not (line := (await process.stdout.readline()).decode()).startswith("http"):
                assert line, "the server ended"
        yield line.strip()
    finally:
        process.kill()
        await process.wait()


def _weights(follows: "np.ndarray") -> dict[str, "np.ndarray"]:
    """Every token has a place of its own, attention and feed-forward add nothing, and the output looks up the place."""
    count = len(follows)
    output = np.zeros((count, WIDTH))
    output[follows, np.arange(count)] = 2  # times the norm's root of WIDTH: leaves no chance to others
    quiet = {"attn_q": 320, "attn_k": 32, "attn_v": 32, "attn_output": 320, "ffn_gate": 32, "ffn_up": 32}
    return {
        "token_embd.weight": np.eye(count, WIDTH),
        "output_norm.weight": np.ones(WIDTH),
        "output.weight": output,
        "blk.0.attn_norm.weight": np.ones(WIDTH),
        "blk.0.ffn_norm.weight": np.ones(WIDTH),
        "blk.0.ffn_down.weight": np.zeros((WIDTH, 32)),
        **{f"blk.0.{name}.weight": np.zeros((size, WIDTH)) for name, size in quiet.items()},
    }


def _spelling() -> Sequence[str]:
    """How a vocabulary of GPT-2 writes each byte: as itself if it can be seen, else as a letter from beyond."""
    seen = {*range(33, 127), *range(161, 173), *range(174, 256)}
    hidden = [byte for byte in range(256) if byte not in seen]
    return [chr(byte) if byte in seen else chr(256 + hidden.index(byte)) for byte in range(256)]


_SPELLED = _spelling()


def _spelled(word: str) -> str:
    return "".join(_SPELLED[byte] for byte in word.encode())


def _serve(model: str, key: str) -> None:
    asked = CommonParams()
    asked.model.path = model
    asked.model_alias = {NAME}
    asked.n_ctx = WINDOW * SLOTS
    asked.n_parallel = SLOTS
    asked.port = 0
    asked.endpoint_metrics = True
    asked.api_keys = [key]
    server = Server(asked)
    print(server.listening_address, flush=True)  # noqa: T201 for whoever started it
    threading.Event().wait()


if __name__ == "__main__":
    _serve(sys.argv[1], sys.argv[2])
