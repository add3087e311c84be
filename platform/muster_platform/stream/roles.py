"""Roles of `muster run`: several in one process, each in a thread, restarted when one fails."""

import importlib
import logging
import threading
from collections.abc import Callable, Sequence
from typing import Protocol

from muster_platform.bootstrap import Platform
from muster_platform.errors import ConfigurationError, InvalidInput
from muster_platform.parts.beating import Beating
from muster_platform.parts.service import Beat
from muster_platform.stream.broker_state import broker_beat

log = logging.getLogger(__name__)

HEALTH_EVERY_S = 10.0
BACKOFF_MIN_S = 1.0
BACKOFF_MAX_S = 30.0


class Role(Protocol):
    """One part of the stream."""

    def run(self, stop: threading.Event) -> None:
        """Work until told to stop."""
        ...

    def health(self) -> str:
        """Say in one line how it goes."""
        ...


ROLES: dict[str, str] = {
    "ingest": "muster_platform.stream.ingest:IngestRole",
    "bridge": "muster_platform.stream.bridge:BridgeRole",
    "kafka-ingest": "muster_platform.stream.kafka.ingest:KafkaIngestRole",
    "dispatch": "muster_platform.stream.dispatch:DispatchRole",
    "indexer": "muster_platform.stream.indexer_role:IndexerRole",
    "accounts": "muster_platform.stream.keeper:KeeperRole",
}
"""Name of each role and where its class is; imported when it is run."""


def run_roles(
    platform: Platform,
    names: Sequence[str],
    stop: threading.Event,
    *,
    say: Callable[[str], None] | None = None,
    beats: bool = False,
) -> None:
    """Run roles until stopped; one that fails is started again with back-off.

    Args:
        platform: the composition root, shared by all.
        names: of the roles.
        stop: set by a signal handler.
        say: takes one health line per role, when it changes; the log when None.
        beats: also keep how each role is where the site shows it.

    Raises:
        InvalidInput: no such role.
        ConfigurationError: a role cannot run as it is set up; all are stopped.
    """
    unknown = [name for name in names if name not in ROLES]
    if unknown:
        raise InvalidInput(f"no such role: {', '.join(unknown)}; there are {', '.join(ROLES)}")
    fatal: list[ConfigurationError] = []
    runners = [_Runner(platform, name, stop, fatal) for name in dict.fromkeys(names)]
    for runner in runners:
        runner.thread.start()
    if beats:
        Beating(platform.units, lambda: [beat for one in runners for beat in one.beats()]).start()
    said: dict[str, str] = {}
    while not stop.wait(HEALTH_EVERY_S if said else 1.0):
        for runner in runners:
            line = f"{runner.name}: {runner.health()}"
            if said.get(runner.name) != line:
                said[runner.name] = line
                (say or log.info)(line)
    for runner in runners:
        runner.thread.join()
    if fatal:
        raise fatal[0]


class _Runner:
    """One role in its thread."""

    def __init__(
        self,
        platform: Platform,
        name: str,
        stop: threading.Event,
        fatal: list[ConfigurationError],
    ) -> None:
        module, _, kind = ROLES[name].partition(":")
        self.name = name
        self.thread = threading.Thread(target=self._run, name=name)
        self._make = getattr(importlib.import_module(module), kind)
        self._platform, self._stop, self._fatal = platform, stop, fatal
        self._role: Role | None = None
        self._problem = ""

    def health(self) -> str:
        """Say in one line how it goes."""
        if self._problem:
            return self._problem
        return self._role.health() if self._role is not None else "starting"

    def beats(self) -> list[Beat]:
        """Say it for the site: the role, and the broker as dispatch sees it."""
        line = self.health()
        word, _, rest = line.partition("; ")
        healthy = word == "ok" or line.startswith("stands by")
        state = "ok" if healthy else "warn" if line == "starting" else "bad"
        figures: dict[str, float] = getattr(self._role, "figures", dict)()
        detail = rest if word == "ok" else line
        found = [Beat(name=self.name, state=state, detail=detail, figures=figures)]
        if self.name == "dispatch":
            stats = getattr(self._role, "broker_stats", lambda: None)()
            found.append(broker_beat(stats, self._platform.clock.now_ms()))
        return found

    def _run(self) -> None:
        wait_s = BACKOFF_MIN_S
        while not self._stop.is_set():
            try:
                self._role = self._make(self._platform)
                self._problem = ""
                self._role.run(self._stop)
                wait_s = BACKOFF_MIN_S
            except ConfigurationError as error:
                self._fatal.append(error)
                self._stop.set()
            except Exception as error:
                self._problem = f"failed, starts again in {wait_s:g} s: {error}"
                log.exception("role %s %s", self.name, self._problem)
                self._stop.wait(wait_s)
                wait_s = min(BACKOFF_MAX_S, wait_s * 2)
