"""What looks for personal data, as the settings say."""

import os
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager

from bot import metrics
from bot.settings import RedactionEngine, Settings
from core.clock import Clock
from core.redaction.detector_pool import DetectorPool, process_command
from core.redaction.ports import Detector
from core.redaction.rules_detector import RulesDetector

_ENVIRONMENT = ("PATH", "HOME", "LANG", "LC_ALL", "VIRTUAL_ENV", "PYTHONPATH", "NLTK_DATA")
"""What detectors are given of Prime's: no token, no key, no address."""


def harmless_environment() -> Mapping[str, str]:
    return {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}


@asynccontextmanager
async def open_detector(settings: Settings, clock: Clock) -> AsyncGenerator[Detector]:
    """Not ready at once: processes load for some seconds."""
    if settings.prime_redaction_engine is RedactionEngine.RULES:
        yield RulesDetector()
        return
    command = process_command(settings.prime_redaction_engine, settings.prime_redaction_model)
    pool = DetectorPool(
        command,
        clock,
        workers=settings.prime_redaction_workers,
        seen=metrics.redaction_seconds.observe,
        environment=harmless_environment(),
    )
    metrics.detectors_ready.set_function(lambda: pool.ready)
    metrics.detector_restarts.set_function(lambda: pool.restarts)
    async with pool:
        yield pool
