"""What runs on a machine of the lab: the startup script under bash, Docker, nginx, the engine."""

import asyncio
import hashlib
import hmac
import json
import os
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from lab.paperspace.computer.docker import Container
from lab.paperspace.model import Machine, State
from lab.paperspace.server import PaperspaceLab
from tests.paperspace import PATIENCE_SECONDS, Api, running_lab, until, until_state

KEY = "server-key"
TGI = "ghcr.io/huggingface/text-generation-inference:3.3.5"
RUN = (
    "docker run -d --name prime-engine --restart unless-stopped --gpus all --shm-size 1g"
    f" -e API_KEY={KEY} -p 127.0.0.1:8081:80 -v prime-weights:/data {TGI} --model-id Qwen/Qwen2.5-7B-Instruct"
)
FRONT = f"""
mkdir -p "$PRIME_ROOT/etc/prime" "$PRIME_ROOT/var/lib/prime" "$PRIME_ROOT/run/prime" "$PRIME_ROOT/etc/nginx/conf.d"
cd "$PRIME_ROOT/etc/prime"
echo {KEY} >key
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj /CN=prime \
    -keyout tls.key -out tls.crt 2>/dev/null
echo '{{"fingerprint": "f"}}' >"$PRIME_ROOT/var/lib/prime/identity.json"
echo '{{"stage": "loading"}}' >"$PRIME_ROOT/run/prime/progress.json"
echo 'server {{ listen 0.0.0.0:8080 ssl; location / {{ proxy_pass http://127.0.0.1:8081; }} }}' \
    >"$PRIME_ROOT/etc/nginx/conf.d/prime.conf"
systemctl restart nginx
"""


@pytest.fixture
async def lab() -> AsyncIterator[PaperspaceLab]:
    async with running_lab() as lab:
        yield lab


@pytest.fixture
async def api(lab: PaperspaceLab) -> AsyncIterator[Api]:
    api = Api(lab)
    yield api
    await api.http.aclose()


async def booted(api: Api, script: str, **changes: object) -> Machine:
    """A machine whose startup script has ended."""
    machine = await api.order(startupScriptId=await api.store(script), **changes)
    await until(lambda: machine.state is State.READY and machine.boots and machine.boots[-1].is_over)
    return machine


async def switched(api: Api, machine: Machine, verb: str, state: State) -> None:
    await api.patch(f"/machines/{machine.id}/{verb}")
    await until_state(machine, state)


def is_alive(process: str) -> bool:
    """One that is dead may still have its number, until its parent asks."""
    try:
        return Path("/proc", process, "environ").read_bytes() != b""
    except OSError:
        return False


def engine_of(machine: Machine) -> Container:
    return machine.computer.docker.containers["prime-engine"]


async def health(url: str) -> int:
    """0 where nothing listens."""
    try:
        async with httpx.AsyncClient(verify=False) as http:
            return (await http.get(f"{url}/health")).status_code
    except httpx.TransportError:
        return 0


async def serving(url: str) -> None:
    """Waits until the engine does."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while await health(url) != 200:  # noqa: ASYNC110 an engine tells nobody
            await asyncio.sleep(0.005)


class TestScript:
    async def test_it_runs_under_bash_and_its_output_and_status_are_kept(self, api: Api) -> None:
        machine = await booted(api, 'echo "hello ${BASH_VERSION%%.*}"; echo bad >&2; exit 3')
        boot = machine.boots[-1]
        assert boot.output.startswith("hello ")
        assert boot.output.endswith("bad\n")
        assert boot.exit_status == 3

    async def test_it_runs_at_each_boot_on_the_same_disk(self, api: Api) -> None:
        machine = await booted(api, 'echo x >>"$PRIME_ROOT/var/lib/count"; cat "$PRIME_ROOT/var/lib/count"')
        await switched(api, machine, "stop", State.OFF)
        await switched(api, machine, "start", State.READY)
        await until(lambda: len(machine.boots) == 2 and machine.boots[-1].is_over)
        assert [boot.output for boot in machine.boots] == ["x\n", "x\nx\n"]

    async def test_a_run_once_script_runs_once(self, api: Api) -> None:
        machine = await api.order(startupScriptId=await api.store("true", isRunOnce=True))
        await until(lambda: machine.state is State.READY and machine.boots)
        await switched(api, machine, "stop", State.OFF)
        await switched(api, machine, "start", State.READY)
        assert len(machine.boots) == 1

    async def test_a_changed_script_runs_at_the_next_boot(self, api: Api) -> None:
        machine = await booted(api, "echo one")
        await api.put(f"/startup-scripts/{machine.boots[0].script_id}", {"script": "echo two"})
        await switched(api, machine, "restart", State.RESTARTING)
        await until(lambda: len(machine.boots) == 2 and machine.boots[-1].is_over)
        assert machine.boots[-1].output == "two\n"

    async def test_ready_does_not_wait_for_it(self, lab: PaperspaceLab, api: Api) -> None:
        machine = await api.order(startupScriptId=await api.store("while :; do read -t 1 <> <(:); done"))
        await until_state(machine, State.READY)
        assert machine.boots[-1].exit_status is None

    async def test_nothing_that_it_left_running_outlives_the_power(self, api: Api) -> None:
        script = 'setsid nohup bash -c "sleep 600 & wait" </dev/null >/dev/null 2>&1 & disown; echo $!'
        machine = await booted(api, script)
        process = machine.boots[-1].output.strip()
        assert is_alive(process)
        await switched(api, machine, "stop", State.OFF)
        assert not is_alive(process)

    async def test_it_sees_neither_our_environment_nor_the_programs_that_need_root(
        self, api: Api, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("SLACK_BOT_TOKEN", "xoxb-secret")
        machine = await booted(
            api, "env; for each in docker nginx systemctl apt-get curl iptables; do type $each; done"
        )
        output = machine.boots[-1].output
        assert "xoxb-secret" not in output
        assert os.fspath(machine.computer.root.parent / "bin" / "docker") in output
        assert output.count(os.fspath(machine.computer.root.parent / "bin")) == 7  # PATH, and each of the six

    async def test_what_it_calls_is_told_word_for_word(self, api: Api) -> None:
        machine = await booted(api, "apt-get install -y 'a b' $'new\\nline' '' ü")
        assert [(call.name, call.arguments) for call in machine.computer.commands] == [
            ("apt-get", ["install", "-y", "a b", "new\nline", "", "ü"])
        ]

    async def test_firewall_rules_are_remembered_until_power_off(self, api: Api) -> None:
        rule = "DOCKER-USER -d 169.254.169.254 -j DROP"
        machine = await booted(api, f"iptables -C {rule} || iptables -I {rule}; iptables -w 10 -C {rule} && echo held")
        assert machine.boots[-1].output.endswith("held\n")
        await switched(api, machine, "stop", State.OFF)
        assert machine.computer.firewall == []

    async def test_the_gpu_is_the_one_of_the_machine_type(self, api: Api) -> None:
        query = "nvidia-smi --query-gpu=name,memory.total --format=csv,noheader"
        machine = await booted(api, query, machineType="A4000x2")
        assert machine.boots[-1].output == "Ampere A4000, 16384 MiB\n" * 2
        without = await booted(api, query, machineType="C5", templateId="t0nspur5")
        assert without.boots[-1].exit_status == 9


class TestDocker:
    async def test_a_container_is_an_engine_on_the_machines_address(self, api: Api) -> None:
        machine = await booted(api, f"docker pull {TGI}; docker image inspect {TGI} >/dev/null && {RUN} -- 2>&1")
        assert "Pull complete" in machine.boots[-1].output
        machine = await booted(api, RUN)
        await serving(f"http://{machine.public_ip}:8081")
        async with httpx.AsyncClient(base_url=f"http://{machine.public_ip}:8081") as http:
            assert (await http.get("/info")).json()["model_id"] == "Qwen/Qwen2.5-7B-Instruct"
            refused = await http.post("/v1/chat/completions", json={"messages": []})
        assert refused.status_code == 401

    async def test_variables_come_from_files_and_flags_and_reach_the_engine_unchanged(self, api: Api) -> None:
        script = (
            "printf '# note\\nAPI_KEY=from \"file\"\\nMAX_CONCURRENT_REQUESTS=7\\n' >env\n"
            f"docker run -d --name prime-engine -e MAX_CONCURRENT_REQUESTS=9 --env-file env --publish=0.0.0.0:8080:80"
            f" {TGI} --model-id Qwen/Qwen2.5-7B-Instruct"
        )
        machine = await booted(api, script)
        await serving(f"http://{machine.public_ip}:8080")
        engine = engine_of(machine).engine
        assert engine is not None
        assert engine.launch.api_key == 'from "file"'
        assert engine.launch.settings.max_admitted == 9

    async def test_the_port_is_closed_while_the_model_loads(self, lab: PaperspaceLab, api: Api) -> None:
        lab.pace.loading_seconds = 3600
        machine = await booted(api, RUN)
        assert await health(f"http://{machine.public_ip}:8081") == 0
        lab.clock.jump(3600)
        await serving(f"http://{machine.public_ip}:8081")

    async def test_it_tells_how_a_container_is(self, api: Api) -> None:
        script = (
            f"docker inspect prime-engine; {RUN} >/dev/null;"
            "docker inspect --format '{{.State.Status}} {{.RestartCount}} {{json .Args}}' prime-engine;"
            "docker ps -aq --filter name=prime-engine | wc -l; docker logs --tail 1 prime-engine | wc -l;"
            "docker info >/dev/null && echo up; docker frobnicate"
        )
        machine = await booted(api, script)
        assert machine.boots[-1].output.splitlines() == [
            "Error response from daemon: No such container: prime-engine",
            'running 0 ["--model-id", "Qwen/Qwen2.5-7B-Instruct"]',
            "1",
            "1",
            "up",
            "docker: 'frobnicate' is not a docker command.",
        ]

    async def test_a_name_is_taken_until_its_container_is_removed(self, api: Api) -> None:
        machine = await booted(
            api, f"{RUN} >/dev/null; {RUN} 2>&1; docker rm -f prime-engine; {RUN} >/dev/null && echo 2nd"
        )
        lines = machine.boots[-1].output.splitlines()
        assert "is already in use" in lines[0]
        assert lines[1:] == ["prime-engine", "2nd"]

    async def test_a_machine_without_gpu_cannot_give_one(self, api: Api) -> None:
        machine = await booted(api, RUN, machineType="C5", templateId="t0nspur5")
        assert "could not select device driver" in machine.boots[-1].output
        assert machine.boots[-1].exit_status == 125

    async def test_an_image_that_is_no_engine_cannot_be_pulled(self, api: Api) -> None:
        machine = await booted(api, "docker pull evil/miner:1")
        assert (machine.boots[-1].exit_status, "pull access denied" in machine.boots[-1].output) == (1, True)

    async def test_an_engine_that_refuses_its_options_exits_again_and_again(self, lab: PaperspaceLab, api: Api) -> None:
        machine = await booted(api, f"{RUN} --no-such-flag")
        await until(lambda: engine_of(machine).restarts >= 2)
        assert "--no-such-flag" in " ".join(engine_of(machine).log_lines)

    async def test_a_crashed_engine_comes_back(self, lab: PaperspaceLab, api: Api) -> None:
        machine = await booted(api, RUN)
        url = f"http://{machine.public_ip}:8081"
        await serving(url)
        lab.faults.switch("engine: crash")
        await until(lambda: engine_of(machine).restarts == 1)
        await serving(url)

    async def test_a_stopped_container_stays_down_until_it_is_started(self, api: Api) -> None:
        script = f"{RUN}; docker stop prime-engine; docker inspect -f '{{{{.State.Status}}}}' prime-engine"
        machine = await booted(api, script)
        assert machine.boots[-1].output.endswith("exited\n")
        await switched(api, machine, "stop", State.OFF)
        await switched(api, machine, "start", State.READY)
        assert not engine_of(machine).is_running

    async def test_containers_come_back_with_the_power_on_the_new_address(self, api: Api) -> None:
        machine = await booted(api, f"docker inspect prime-engine >/dev/null 2>&1 || {RUN}")
        before = f"http://{machine.public_ip}:8081"
        await serving(before)
        await switched(api, machine, "stop", State.OFF)
        assert await health(before) == 0
        await switched(api, machine, "start", State.READY)
        await serving(f"http://{machine.public_ip}:8081")

    async def test_a_pull_under_way_starts_nothing_once_the_machine_is_gone(self, lab: PaperspaceLab, api: Api) -> None:
        lab.pace.pull_seconds = 3600
        machine = await api.order(startupScriptId=await api.store(RUN))
        await until(lambda: machine.state is State.READY and machine.computer.commands)
        await api.delete(f"/machines/{machine.id}")
        await until(lambda: not lab.machines)
        lab.clock.jump(3600)
        await api.get("/machines")
        assert machine.computer.docker.containers == {}

    async def test_the_machine_itself_reaches_the_engine_with_curl(self, api: Api) -> None:
        script = (
            f"curl -fs -m 5 -o /dev/null http://127.0.0.1:8081/health; echo $?; {RUN} >/dev/null;"
            "until curl -fsS -m 5 -o /dev/null http://localhost:8081/health 2>/dev/null; do :; done;"
            'curl -s -o info.json http://127.0.0.1:8081/info; grep -o \'"version":"3.3.5"\' <info.json;'
            "curl -fs -H 'A: b' http://127.0.0.1:8081/nothing; echo $?; curl https://example.com/"
        )
        machine = await booted(api, script)
        assert machine.boots[-1].output.splitlines() == [
            "7",
            '"version":"3.3.5"',
            "22",
            "curl: (6) Could not resolve host: example.com",
        ]


class TestFront:
    async def test_it_demands_the_key_on_every_path_but_health(self, api: Api) -> None:
        machine = await booted(api, FRONT + RUN)
        url = f"https://{machine.public_ip}:8080"
        await serving(url)
        async with httpx.AsyncClient(base_url=url, verify=False) as http:
            for path in ("/", "/info", "/metrics", "/v1/models", "/.prime/identity", "/.prime/progress", "/health/"):
                assert (await http.get(path)).status_code == 401
            assert (await http.post("/health")).status_code == 403
            http.headers["Authorization"] = f"Bearer {KEY}"
            assert (await http.get("/info")).json()["version"] == "3.3.5"
            assert (await http.get("/.prime/progress")).json() == {"stage": "loading"}
            assert (await http.get("/.prime/identity")).json() == {"fingerprint": "f"}

    async def test_the_identity_token_opens_the_identity_alone(self, api: Api) -> None:
        machine = await booted(api, FRONT)
        token = hmac.new(KEY.encode(), b"prime-identity-token", hashlib.sha256).hexdigest()
        headers = {"Authorization": f"Bearer {token}"}
        async with httpx.AsyncClient(base_url=f"https://{machine.public_ip}:8080", verify=False) as http:
            assert (await http.get("/.prime/identity", headers=headers)).status_code == 200
            assert (await http.get("/.prime/progress", headers=headers)).status_code == 401
            assert (await http.get("/info", headers=headers)).status_code == 401

    async def test_it_shows_the_machines_own_certificate(self, api: Api) -> None:
        machine = await booted(api, FRONT)
        assert machine.public_ip is not None
        met = await asyncio.to_thread(ssl.get_server_certificate, (machine.public_ip, 8080))
        assert met.strip() == (machine.computer.root / "etc/prime/tls.crt").read_text().strip()

    async def test_an_engine_that_is_not_there_is_a_bad_gateway(self, api: Api) -> None:
        machine = await booted(api, FRONT)
        assert await health(f"https://{machine.public_ip}:8080") == 502

    async def test_answers_are_passed_on_as_they_come(self, lab: PaperspaceLab, api: Api) -> None:
        machine = await booted(api, FRONT + RUN)
        url = f"https://{machine.public_ip}:8080"
        await serving(url)
        lab.faults.switch("engine: stall", after=2)
        body = {"model": "tgi", "messages": [{"role": "user", "content": "Hi"}], "stream": True}
        engine = engine_of(machine).engine
        assert engine is not None
        async with httpx.AsyncClient(base_url=url, verify=False, headers={"Authorization": f"Bearer {KEY}"}) as http:
            async with http.stream("POST", "/v1/chat/completions", json=body) as answer:
                first = await anext(answer.aiter_lines())
            assert json.loads(first.removeprefix("data:"))["object"] == "chat.completion.chunk"
        await until(lambda: engine.dropped == 1)  # who leaves ends the request at the engine

    async def test_nginx_does_not_start_without_its_files(self, api: Api) -> None:
        machine = await booted(api, "nginx -t; echo $?; systemctl restart nginx; echo $?; systemctl is-active nginx")
        assert machine.boots[-1].output.splitlines()[-2:] == ["1", "inactive"]
        assert machine.boots[-1].exit_status == 3

    async def test_it_is_gone_while_the_machine_is_off(self, api: Api) -> None:
        machine = await booted(api, FRONT)
        url = f"https://{machine.public_ip}:8080"
        assert await health(url) == 502
        await switched(api, machine, "stop", State.OFF)
        assert await health(url) == 0
