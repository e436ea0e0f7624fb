"""The files that Docker Compose and Kubernetes read, against their schemas and against what Prime knows."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from bot.settings import Settings

ROOT = Path(__file__).parents[2]
KUBERNETES = ROOT / "docs" / "operating" / "kubernetes"
DOCKERFILE = (ROOT / "Dockerfile").read_text()
VARIABLES = {name.upper() for name in Settings.model_fields}


def resources() -> Iterator[dict[str, Any]]:
    for path in sorted(KUBERNETES.rglob("*.yaml")):
        yield from yaml.safe_load_all(path.read_text())


def resource(kind: str) -> Any:
    [found] = [one for one in resources() if one["kind"] == kind]
    return found


@pytest.mark.parametrize("one", list(resources()), ids=lambda one: one["kind"])
def test_kubernetes_takes_each_resource(one: dict[str, Any]) -> None:
    kubernetes_validate.validate(one, "1.37", strict=True)


def test_compose_takes_its_file() -> None:
    words = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", ROOT / "compose.yaml"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_each_variable_that_they_set_is_one_of_primes() -> None:
    compose = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]
    given = [
        *resource("ConfigMap")["data"],
        *resource("Secret")["stringData"],
        *compose["prime"]["environment"],
        *re.findall(r"(PRIME_\w+)=", DOCKERFILE),
    ]
    assert set(given) <= VARIABLES


def test_what_is_said_of_the_image_is_so() -> None:
    pod = resource("Deployment")["spec"]["template"]["spec"]
    [user] = re.findall(r"^USER (\d+):\1$", DOCKERFILE, re.MULTILINE)
    [volume] = re.findall(r"^VOLUME (\S+)$", DOCKERFILE, re.MULTILINE)
    ports = re.findall(r"PRIME_\w+_ADDR=\S+:(\d+)", DOCKERFILE)
    compose = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]["prime"]
    assert pod["securityContext"]["runAsUser"] == int(user)
    assert [str(port["containerPort"]) for port in pod["containers"][0]["ports"]] == ports
    assert [mount["mountPath"] for mount in pod["containers"][0]["volumeMounts"]] == [volume]
    assert [mount.partition(":")[2] for mount in compose["volumes"]] == [volume]


def test_nothing_runs_with_more_than_it_needs() -> None:
    pod = resource("Deployment")["spec"]["template"]["spec"]
    assert pod["securityContext"]["runAsNonRoot"]
    assert not pod["automountServiceAccountToken"]
    for container in [*pod["initContainers"], *pod["containers"]]:
        allowed = container["securityContext"]
        assert allowed["readOnlyRootFilesystem"]
        assert not allowed["allowPrivilegeEscalation"]
        assert allowed["capabilities"] == {"drop": ["ALL"]}
    compose = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]
    for name in ("prime", "migrate"):
        assert compose[name]["read_only"]
        assert compose[name]["cap_drop"] == ["ALL"]


def test_no_file_with_secrets_goes_into_the_image() -> None:
    lets_in = (ROOT / ".dockerignore").read_text().splitlines()
    assert "*" in lets_in
    assert not [line for line in lets_in if re.match(r"!(\.env|\.git|\.|\*)", line) and line != "!.ci/setup"]
