"""A real engine that was not made for Prime, llama.cpp's server, answers in a thread."""

from pathlib import Path
from urllib.parse import urlsplit

from core.catalog.model import EngineKind
from tests.engines import KEY
from tests.llama_cpp import AGAIN, ENDLESS, NAME, TEXT, llama_server, write_model
from tests.scenario.talking import open_talk_office


async def test_a_real_engine_answers_in_a_thread_and_is_stopped(database_url: str, tmp_path: Path) -> None:
    write_model(tmp_path / "tiny.gguf")
    async with llama_server(tmp_path / "tiny.gguf", key=KEY) as url:
        place = urlsplit(url)
        async with open_talk_office(database_url, tgi_port=place.port) as world:
            await world.models.list("real", EngineKind.VLLM, model=NAME, address=str(place.hostname))
            rita = await world.office.person("U0RITA")
            ts, answer = await world.asks(rita, "@Prime who are you?")
            assert answer.text == TEXT
            assert f"real · {NAME}" in answer.notes

            again = await rita.says("#general", f"and go on{ENDLESS}", thread_ts=ts)
            begun = await world.answered(rita, again, thread_ts=ts, until=lambda answer: AGAIN in answer.text)
            await rita.presses("Stop", in_message=begun.ts)
            stopped = await world.answered(rita, again, thread_ts=ts)
            assert stopped.text.startswith(AGAIN * 3)
            assert "stopped" in stopped.notes
