"""Documents of `muster.records` into Elasticsearch, each once, in whatever order they come.

Every document has its own id and is written by `create`: after a crash anywhere what was there
already answers 409, which is success. Offsets are committed when all of a batch is in
Elasticsearch or in quarantine.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from threading import Event
from typing import Protocol

import msgspec

from muster_platform.errors import Unavailable
from muster_platform.stream import bulk

log = logging.getLogger(__name__)

WAIT_MIN_S = 0.2
WAIT_MAX_S = 10.0
REQUEST_BYTES = 8 * 1024 * 1024
TOO_LARGE = 413
BUSY = frozenset({429, 500, 502, 503, 504})


class Source(Protocol):
    """Gives documents and takes the word that they are kept."""

    def receive(self, most: int, timeout_s: float) -> Sequence[bytes]:
        """Wait for documents."""
        ...

    def idle(self, seconds: float) -> None:
        """Let time pass and stay a member of the group."""
        ...

    def commit(self) -> None:
        """Tell that all that was received is kept for good."""
        ...


class Engine(Protocol):
    """Takes bulk requests."""

    def send(self, method: str, path: str, body: bytes) -> tuple[int, bytes]:
        """Do one request; give status and body.

        Raises:
            Unavailable: it does not answer.
        """
        ...


class Refusal(msgspec.Struct, frozen=True):
    """A document that will never be taken, and why."""

    value: bytes
    reason: str


Keep = Callable[[Sequence[Refusal]], None]
"""Keeps refused documents; raises Unavailable when it cannot at present."""


@dataclass(slots=True)
class Counts:
    """What went through since the start.

    Attributes:
        known: were in Elasticsearch already.
    """

    created: int = 0
    known: int = 0
    refused: int = 0


class Indexer:
    """Moves documents; `step` again and again.

    Attributes:
        problem: why nothing goes on, "" while it does.
    """

    def __init__(
        self,
        source: Source,
        engine: Engine,
        keep: Keep,
        prefix: str,
        *,
        batch: int = 4_000,
        request_bytes: int = REQUEST_BYTES,
    ) -> None:
        """Put the parts together.

        Args:
            prefix: of the indices.
            batch: most documents held in memory.
            request_bytes: most bytes of one request, but for a single larger document.
        """
        self.counts = Counts()
        self.problem = ""
        self._source, self._engine, self._keep = source, engine, keep
        self._prefix, self._batch, self._request_bytes = prefix, batch, request_bytes
        self._wait_s = WAIT_MIN_S

    def step(self, stop: Event, timeout_s: float = 1.0) -> int:
        """Move one batch as far as it goes; give how many documents were received.

        Stopped before all are kept, nothing is committed: they come again.
        """
        values = self._source.receive(self._batch, timeout_s)
        if values and self.move(values, stop):
            self._source.commit()
        return len(values)

    def move(self, values: Sequence[bytes], stop: Event) -> bool:
        """Bring documents to where they belong; False: stopped before all were."""
        lines: list[tuple[bytes, bytes]] = []
        refused: list[Refusal] = []
        for value in values:
            try:
                lines.append((value, bulk.action(self._prefix, value)))
            except (msgspec.DecodeError, UnicodeDecodeError) as error:
                refused.append(Refusal(value, f"no document of a record: {error}"))
        waiting = _parts(lines, self._request_bytes)
        while waiting and not stop.is_set():
            waiting[:1] = self._request(waiting[0], refused)
        while refused and not stop.is_set():
            if self._kept(refused):
                break
        return not stop.is_set()

    def _request(
        self, part: list[tuple[bytes, bytes]], refused: list[Refusal]
    ) -> list[list[tuple[bytes, bytes]]]:
        """Try one request; give what is left of it to try."""
        try:
            status, answer = self._engine.send(
                "POST", bulk.PATH, b"".join([line for _, line in part])
            )
        except Unavailable as error:
            self._back_off(error.detail)
            return [part]
        if status == TOO_LARGE:
            if len(part) > 1:
                middle = len(part) // 2
                return [part[:middle], part[middle:]]
            refused.append(Refusal(part[0][0], "larger than Elasticsearch takes (413)"))
            return []
        if status != 200:
            self._back_off(
                f"Elasticsearch answers {status}: {answer[:200].decode(errors='replace')}"
            )
            return [part]
        try:
            settled = bulk.settle(answer, len(part))
        except msgspec.DecodeError as error:
            self._back_off(f"Elasticsearch answers what cannot be read: {error}")
            return [part]
        self.counts.created += settled.created
        self.counts.known += settled.known
        refused += [Refusal(part[place][0], reason) for place, reason in settled.refused]
        if not settled.again:
            self._goes_on()
            return []
        self._back_off("Elasticsearch is overloaded")
        return [[part[place] for place in settled.again]]

    def _kept(self, refused: list[Refusal]) -> bool:
        try:
            self._keep(refused)
        except Unavailable as error:
            self._back_off(error.detail)
            return False
        self.counts.refused += len(refused)
        return True

    def _back_off(self, problem: str) -> None:
        if problem != self.problem:
            log.warning("%s; trying again", problem)
        self.problem = problem
        self._source.idle(self._wait_s)
        self._wait_s = min(WAIT_MAX_S, self._wait_s * 2)

    def _goes_on(self) -> None:
        if self.problem:
            log.warning("Elasticsearch takes records again")
        self.problem, self._wait_s = "", WAIT_MIN_S


def _parts(lines: list[tuple[bytes, bytes]], most: int) -> list[list[tuple[bytes, bytes]]]:
    """Part documents into requests of at most so many bytes."""
    parts: list[list[tuple[bytes, bytes]]] = []
    held = most
    for pair in lines:
        size = len(pair[1])
        if held + size > most:
            parts.append([])
            held = 0
        parts[-1].append(pair)
        held += size
    return parts
