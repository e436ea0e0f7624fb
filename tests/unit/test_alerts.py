"""The alert rules, tried by Prometheus's own tool."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from prometheus_client.metrics import MetricWrapperBase

from bot import metrics

ROOT = Path(__file__).parents[2]
OPERATING = ROOT / "docs" / "operating"
RULES = yaml.safe_load((OPERATING / "alerts.yml").read_text())["groups"][0]["rules"]
CASES = (ROOT / "tests" / "alerts.yml").read_text()


def promtool(*words: str) -> None:
    program = shutil.which("promtool")
    if program is None:
        if os.environ.get("CI"):
            pytest.fail("promtool is missing: see .ci/prometheus")
        pytest.skip("promtool is missing here: .ci/prometheus installs it")
    done = subprocess.run([program, *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_prometheus_takes_its_configuration_with_the_rules() -> None:
    promtool("check", "config", str(OPERATING / "prometheus.yml"))


def test_each_alert_sounds_when_it_should_and_on_a_quiet_day_none_does(tmp_path: Path) -> None:
    cases = tmp_path / "alerts.yml"
    cases.write_text(CASES.replace("RULES", str(OPERATING / "alerts.yml")))
    promtool("test", "rules", str(cases))


def test_no_alert_is_untried_or_without_advice() -> None:
    page = (ROOT / "docs" / "operating.md").read_text()
    for rule in RULES:
        assert CASES.count(f"alertname: {rule['alert']}") > 1 or rule["alert"] == "PrimeDown"
        assert f"`{rule['alert']}`" in page


def test_the_rules_name_metrics_that_there_are() -> None:
    there = {
        sample.name
        for metric in vars(metrics).values()
        if isinstance(metric, MetricWrapperBase)
        for family in metric.describe()
        for sample in [family, *family.samples]
    }
    named = {name for rule in RULES for name in re.findall(r"prime_\w+", rule["expr"])}
    assert named
    assert {re.sub(r"_(total|bucket)$", "", name) for name in named} <= there
