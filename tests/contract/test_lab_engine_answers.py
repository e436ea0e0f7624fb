"""What the lab's models say by themselves."""

import re

import pytest

from lab.engine.answers import Said, echo
from lab.engine.server import Launch
from tests.engines import MODEL, chat, client, running, tgi, vllm

CHAT = "/v1/chat/completions"
GO_ON = {"continue_final_message": True, "add_generation_prompt": False}


def test_a_long_answer_can_be_asked_for_and_is_always_the_same() -> None:
    answer = echo([Said("user", "Please give me a Long Answer.")])
    assert answer == echo([Said("user", "a long answer again")])
    assert 30_000 <= len(answer) < 32_000
    assert set(re.findall(r"^```(\w+)$", answer, re.MULTILINE)) == {
        "python",
        "typescript",
        "sql",
        "rust",
        "bash",
        "yaml",
    }
    for sign in ("\n# ", "\n### ", "\n  - ", "\n    - ", "\n1. ", "- [x] ", "\n> ", "|:----|"):
        assert sign in f"\n{answer}", sign


def test_it_counts_as_far_as_it_is_told_to() -> None:
    assert echo([Said("user", "count to 5")]) == "1 2 3 4 5"


@pytest.mark.parametrize(("launch", "flags"), [(tgi(MODEL), {}), (vllm(MODEL), GO_ON)], ids=["tgi", "vllm"])
async def test_an_answer_that_was_begun_is_gone_on_with(launch: Launch, flags: dict[str, bool]) -> None:
    messages = [{"role": "user", "content": "count to 6"}, {"role": "assistant", "content": "1 2 3"}]
    async with running(launch) as engine, client(engine) as http:
        answer = (await http.post(CHAT, json={"messages": messages, **flags})).json()
        path, key = ("/chat_tokenize", "tokenize_response") if launch == tgi(MODEL) else ("/tokenize", "tokens")
        counted = (await http.post(path, json={"messages": messages, **flags})).json()[key]
    assert answer["choices"][0]["message"]["content"] == " 4 5 6"
    assert answer["usage"]["prompt_tokens"] == len(counted)


async def test_vllm_answers_anew_unless_it_is_told_to_go_on() -> None:
    messages = [{"role": "user", "content": "count to 6"}, {"role": "assistant", "content": "1 2 3"}]
    async with running(vllm(MODEL)) as engine, client(engine) as http:
        anew = (await http.post(CHAT, json={"messages": messages})).json()
        both = await http.post(CHAT, json=chat("hi", continue_final_message=True))
    assert anew["choices"][0]["message"]["content"] == "1 2 3 4 5 6"
    assert (both.status_code, "Cannot set both" in both.text) == (400, True)


async def test_a_model_without_a_template_counts_no_chat() -> None:
    base = "mistralai/Mistral-7B-v0.3"
    async with running(vllm(base)) as engine, client(engine) as http:
        refused = await http.post("/tokenize", json=chat("hi"))
    assert (refused.status_code, "chat template" in refused.text) == (400, True)
