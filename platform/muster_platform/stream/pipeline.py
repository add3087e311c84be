"""Source -> read once -> batch -> sink -> acknowledge.

The rule that everything here keeps: a message is acknowledged only when it is in the sink, in
the sink's quarantine, or in the spool; and messages of one device reach the sink in order.
"""

import logging
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import chain

from muster_broker.receiver import Received
from muster_platform.db.text import clean
from muster_platform.stream.messages import DETAIL_CHARS, Envelope, Item, Quarantined, Reader
from muster_platform.stream.messages import quarantine as make_quarantined
from muster_platform.stream.ports import LeaseLost, Sink, SinkAway, Source
from muster_platform.stream.spool import Spool, SpoolFull

log = logging.getLogger(__name__)

RETRY_MIN_S = 0.5
RETRY_MAX_S = 15.0
BACKLOG_MESSAGES = 500
"""So many in one batch are a backlog: the next ones are there already."""
DRAIN_BATCHES = 2
"""Batches taken from the spool per batch from the source: more than comes in, so it empties."""


@dataclass(slots=True)
class Counts:
    """What went through since the start.

    Attributes:
        received: from the source, repeats included.
        stored: written to the sink (quarantined ones included).
        quarantined: of these, not readable or refused.
        spooled: kept on disk first.
    """

    received: int = 0
    stored: int = 0
    quarantined: int = 0
    spooled: int = 0


class Pipeline:
    """Moves messages; `step` again and again.

    Attributes:
        counts: what went through.
        problem: why the sink or the spool takes nothing, or None.
    """

    def __init__(
        self,
        source: Source,
        sink: Sink,
        spool: Spool,
        reader: Reader | None = None,
        *,
        batch_messages: int = 1_000,
        window_s: float = 0.005,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Put the parts together.

        Args:
            source: gives messages and takes acknowledgements.
            sink: stores them.
            spool: takes them while the sink is away.
            reader: decodes them.
            batch_messages: most messages in one transaction.
            window_s: how long to gather neighbours of a first message.
            monotonic: seconds, for the wait between tries of a sink that is away.
        """
        self.counts = Counts()
        self.problem: str | None = None
        self._source, self._sink, self._spool = source, sink, spool
        self._reader = reader or Reader()
        self._batch, self._window_s = batch_messages, window_s
        self._monotonic = monotonic
        self._away = False
        self._failures = 0
        self._retry_at_s = 0.0
        self._held: tuple[list[Received], list[Item]] | None = None
        self._ahead: tuple[list[Received], list[Item]] | None = None
        self._backlog = False

    @property
    def spooled(self) -> int:
        """Count the messages that wait in the spool."""
        return len(self._spool)

    def step(self, timeout_s: float = 1.0) -> int:
        """Take one batch as far as it goes; also drain the spool and retry what is held back.

        Args:
            timeout_s: how long to wait for messages.

        Returns:
            Messages received.

        Raises:
            LeaseLost: stop; nothing of this step's batch was acknowledged.
        """
        self._drain()
        if self._held is not None:
            batch, items = self._held
            self._held = None
            self._settle(batch, items)
            if self._held is not None:
                self._source.receive(0, 0.0, min(timeout_s, self._wait_s()))
                return 0
        if len(self._spool):
            timeout_s = min(timeout_s, self._wait_s())
        ahead, self._ahead = self._ahead, None
        batch, items = ahead or self._receive(self._window_s, timeout_s)
        if batch:
            self.counts.received += len(batch)
            self._backlog = len(batch) >= BACKLOG_MESSAGES
            self._settle(batch, items)
        return len(batch)

    def read_ahead(self) -> None:
        """Read the next batch of a backlog; for a sink to call while it waits for its store.

        It is settled by the next step, after the one that is under way. Where little comes
        nothing is read: it would part neighbours that are cheaper together.
        """
        if self._backlog and self._ahead is None and self._held is None:
            found = self._receive(0.0, 0.0)
            self._ahead = found if found[0] else None

    def _receive(self, window_s: float, timeout_s: float) -> tuple[list[Received], list[Item]]:
        batch = self._source.receive(self._batch, window_s, timeout_s)
        return batch, list(map(self._reader.read, batch))

    def _settle(self, batch: list[Received], items: list[Item]) -> None:
        """Store items in the sink or the spool, then acknowledge the batch they came in.

        Where neither takes them the batch is held: unacknowledged, and nothing newer is read, so
        the broker (and in the end the device) keeps what follows. That is the back pressure.
        """
        waiting = self._spool.devices
        behind = [item for item in items if item.subject in waiting] if waiting else []
        direct = [item for item in items if item.subject not in waiting] if waiting else items
        rest = direct if self._away else self._store(direct)
        try:
            self._keep([*behind, *rest])
        except SpoolFull as error:
            self._report(str(error))
            self._held = (batch, [*behind, *rest])
            return
        self._source.ack(batch)

    def _keep(self, items: Sequence[Item]) -> None:
        if items:
            self._spool.append([(item.subject, item.raw) for item in items])
            self.counts.spooled += len(items)

    def _drain(self) -> None:
        """Bring the oldest of the spool to the sink, as the sink allows."""
        if self._away and self._monotonic() < self._retry_at_s:
            return
        # With an empty spool there is nothing to probe with: the next batch is the probe.
        self._away = self._away and len(self._spool) > 0
        for _ in range(DRAIN_BATCHES):
            spooled = self._spool.oldest(self._batch)
            if not spooled:
                return
            items = [self._reader.read(message.raw, message.origin) for message in spooled]
            self._away = False
            rest = self._store(items)
            self._spool.remove(spooled[: len(items) - len(rest)])
            if rest:
                return

    def _store(self, items: Sequence[Item]) -> list[Item]:
        """Write items to the sink; halve a batch that is refused until the culprit is alone.

        Returns:
            What is not stored because the sink is away: always a suffix of `items`.
        """
        parts = deque([items] if items else [])
        while parts:
            part = parts.popleft()
            try:
                self._write(part)
            except SinkAway as error:
                self._lost(str(error))
                return [*part, *chain.from_iterable(parts)]
            except LeaseLost:
                raise
            except Exception as error:
                if len(part) == 1 and isinstance(part[0], Quarantined):
                    if self._keep_bare(part[0], error):
                        continue
                    # Not even that: keep it, and everything behind it.
                    self._lost(f"the quarantine refuses a message: {error}")
                    return [*part, *chain.from_iterable(parts)]
                parts.extendleft(reversed(_smaller(part, error)))
        return []

    def _write(self, part: Sequence[Item]) -> None:
        envelopes = [item for item in part if type(item) is Envelope]
        quarantined = (
            [item for item in part if isinstance(item, Quarantined)]
            if len(envelopes) < len(part)
            else []
        )
        self._sink.write(envelopes, quarantined)
        self.counts.stored += len(part)
        self.counts.quarantined += len(quarantined)
        if self._failures:
            log.warning("the store takes messages again; %d wait in the spool", len(self._spool))
        self._failures, self.problem = 0, None

    def _keep_bare(self, item: Quarantined, error: Exception) -> bool:
        """Try the last resort for a message that the quarantine refuses; say whether it is kept."""
        log.error("the quarantine refuses a message on %s", item.raw.topic, exc_info=error)
        try:
            self._sink.keep_bare(item, f"{item.reason}: {item.detail}; {type(error).__name__}")
        except LeaseLost:
            raise
        except Exception as worse:
            log.warning("it cannot be kept bare either: %s", worse)
            return False
        self.counts.stored += 1
        self.counts.quarantined += 1
        return True

    def _lost(self, why: str) -> None:
        self._away = True
        self._failures += 1
        wait_s = min(RETRY_MAX_S, RETRY_MIN_S * 2 ** min(self._failures - 1, 10))
        self._retry_at_s = self._monotonic() + wait_s
        self._report(f"the store is away, messages go to {self._spool.path}: {why}")

    def _report(self, problem: str) -> None:
        if problem != self.problem:
            log.warning("%s", problem)
        self.problem = problem

    def _wait_s(self) -> float:
        return max(0.0, self._retry_at_s - self._monotonic()) if self._away else 0.0


def _smaller(part: Sequence[Item], error: Exception) -> list[Sequence[Item]]:
    """Give what to try instead of a part that was refused, in order."""
    if len(part) > 1:
        middle = len(part) // 2
        return [part[:middle], part[middle:]]
    item = part[0]
    if isinstance(item, Quarantined):
        return [part]
    log.error("a message on %s is refused by the store", item.raw.topic, exc_info=error)
    detail = clean(f"{type(error).__name__}: {error}"[:DETAIL_CHARS])
    return [[make_quarantined(item.raw, item.topic, "refused", detail, item.origin)]]
