"""Which stored message goes out next, and what the ledger's word means for it.

A row is waiting, in flight (published, not acknowledged by the broker), or awaiting the
ledger. Only the ledger's confirmation removes it; a broker's acknowledgement merely makes room
in the window. Control channels go before telemetry, logs and events, each in its own order.
"""

from collections import deque
from dataclasses import dataclass

from muster_agent.core.options import CoreOptions
from muster_agent.store.spool import Row, Spool
from muster_protocol.channels import Direction
from muster_protocol.channels import channel as channel_row
from muster_protocol.messages import Ledger

EMPTY = {"telemetry": b'{"points":[]}', "logs": b'{"records":[]}'}
"""Published in place of a message that was dropped over budget when the ledger asks for it, so
that the platform does not wait for it for ever. Only these channels are ever dropped."""

_EMPTY_LIMIT = 10_000
_RANGE_LIMIT = 100_000


@dataclass
class _Lane:
    """A part of the spool that is read in order: after < id <= upto; dry when read up."""

    control: bool
    after: int
    upto: int
    dry: bool = False


class Outbox:
    """The sending side of one device's spool."""

    def __init__(self, spool: Spool, options: CoreOptions) -> None:
        self._spool = spool
        self._options = options
        self._again: deque[int] = deque()
        self._queued: set[int] = set()
        self._empties: deque[Row] = deque()
        self._in_flight: set[int] = set()
        self._recent: dict[int, float] = {}
        self._asked: set[int] = set()
        self._doubt_open = spool.doubtful_id > 0
        self._doubtful = [_Lane(control, 0, spool.doubtful_id) for control in (True, False)]
        self._fresh = [_Lane(control, spool.doubtful_id, 2**62) for control in (True, False)]
        self._next_empty = -1

    @property
    def in_doubt(self) -> bool:
        """Whether rows of an earlier start still wait for the first word of the ledger."""
        return self._doubt_open

    @property
    def busy(self) -> bool:
        """Whether something is in flight."""
        return bool(self._in_flight)

    def published(self) -> list[tuple[bool, int]]:
        """Give (lane, row id): how far this start has published."""
        return [(lane.control, lane.after) for lane in self._fresh]

    def added(self, row: Row) -> None:
        """Note that a row was stored by this start."""
        for lane in self._fresh:
            if lane.control == channel_row(Direction.UP, row.channel).control:
                lane.dry = False

    def connected(self) -> None:
        """Begin a connection: nothing of it has been published yet."""
        self._recent.clear()
        self._asked.clear()

    def disconnected(self) -> None:
        """End a connection: what was in flight goes out again, except hellos."""
        rows = [self._spool.get(row_id) for row_id in sorted(self._in_flight) if row_id > 0]
        self._in_flight.clear()
        self._empties.clear()
        for row in rows:
            if row is not None and row.channel != "hello":
                self._send_again(row.id)

    def sent(self, row_id: int, now_s: float) -> None:
        """Note that a row was handed to the connection."""
        self._in_flight.add(row_id)
        self._recent.pop(row_id, None)  # a dict keeps the first place of a key, not the last
        self._recent[row_id] = now_s

    def acked(self, row_id: int) -> None:
        """Note that the broker has it; the row stays until the ledger confirms it."""
        self._in_flight.discard(row_id)

    def release_doubt(self) -> None:
        """Let rows of earlier starts go out that the ledger did not confirm."""
        self._doubt_open = False

    def next_rows(self, now_s: float) -> list[Row]:
        """Take the rows to publish now, as many as the window allows."""
        rows: list[Row] = []
        while (room := self._options.window - len(self._in_flight)) > 0:
            batch = self._take(room)
            if not batch:
                break
            for row in batch:
                self.sent(row.id, now_s)
            rows += batch
        return rows

    def _take(self, room: int) -> list[Row]:
        while self._again:
            row_id = self._again.popleft()
            self._queued.discard(row_id)
            row = self._spool.get(row_id)
            if row is not None:
                return [row]
        if self._empties:
            return [self._empties.popleft()]
        for doubtful, fresh in zip(self._doubtful, self._fresh, strict=True):
            for lane in (fresh,) if self._doubt_open else (doubtful, fresh):
                if lane.dry:
                    continue
                rows = self._spool.fetch(lane.control, lane.after, lane.upto, room)
                lane.dry = len(rows) < room
                if rows:
                    lane.after = rows[-1].id
                    return rows
        return []

    def ledger(self, child: str, word: Ledger) -> None:
        """Drop what is stored; queue what is missing."""
        for boot, channels in word.stored.items():
            for channel, upto in channels.items():
                self._spool.confirm(child, boot, channel, upto)
        for boot, ranges_by_channel in word.resend.items():
            for channel, ranges in ranges_by_channel.items():
                for first, last in ranges:
                    self._resend(child, boot, channel, first, last)
        if not child:
            self.release_doubt()

    def _resend(self, child: str, boot: str, channel: str, first: int, last: int) -> None:
        known = self._spool.find(child, boot, channel, first, last)
        for _, row_id in known:
            if row_id in self._in_flight or row_id in self._queued or self._is_waiting(row_id):
                continue
            if row_id in self._recent:
                self._asked.add(row_id)
            else:
                self._send_again(row_id)
        if channel in EMPTY:
            end = min(last, self._spool.next_seq(child, boot, channel) - 1, first + _RANGE_LIMIT)
            have = {seq for seq, _ in known}
            for seq in range(first, end + 1):
                if seq not in have and len(self._empties) < _EMPTY_LIMIT:
                    row = Row(self._next_empty, child, channel, boot, seq, EMPTY[channel])
                    self._empties.append(row)
                    self._next_empty -= 1

    def _is_waiting(self, row_id: int) -> bool:
        """Say whether a lane will still come to the row by itself."""
        row = self._spool.get(row_id)
        if row is None or row.channel == "hello":
            return False
        lanes = self._doubtful if row_id <= self._spool.doubtful_id else self._fresh
        control = channel_row(Direction.UP, row.channel).control
        return any(lane.control == control and row_id > lane.after for lane in lanes)

    def _send_again(self, row_id: int) -> None:
        if row_id not in self._queued:
            self._queued.add(row_id)
            self._again.append(row_id)

    def resend_row(self, row_id: int) -> bool:
        """Queue a row once more; False when it is not in the spool."""
        if self._spool.get(row_id) is None:
            return False
        if row_id not in self._in_flight and not self._is_waiting(row_id):
            self._send_again(row_id)
        return True

    def tick(self, now_s: float) -> None:
        """Let rows that were asked for right after they went out go again in the end.

        The ledger may have asked while such a row was on its way; it is sent again only when
        it has not been confirmed within `resend_guard_s`.
        """
        while self._recent:
            row_id, at = next(iter(self._recent.items()))
            if now_s - at < self._options.resend_guard_s:
                break
            del self._recent[row_id]
            if row_id in self._asked:
                self._asked.discard(row_id)
                if row_id not in self._in_flight and row_id > 0:
                    self._send_again(row_id)

    @property
    def idle(self) -> bool:
        """Whether nothing is in flight or waiting to go out."""
        if self._in_flight or self._again or self._empties:
            return False
        lanes = self._fresh if self._doubt_open else self._fresh + self._doubtful
        return all(lane.dry for lane in lanes)
