"""The ledger's arithmetic: what of 1, 2, 3 … has come. Pure; one account per device, boot, channel.

An account with nothing missing is one number. Gaps are ranges, the oldest first; their number is
bounded, since a device must not be able to make the platform remember without end. A message that
would make one gap too many is not taken: it counts as missing, stays in the device's spool and is
asked for again when older gaps are closed. So the bound costs time, never a message.
"""

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, field

from muster_protocol.limits import RESEND_RANGES

RANGES_KEPT = 256
"""With so many gaps no message is taken that would need another; one last gap holds those."""

COUNT_LIMIT = 2**62
"""Largest count; a device that names a seq of 2**62 cannot break the column."""

Range = tuple[int, int]
"""First and last missing seq, both included."""


@dataclass(slots=True)
class Account:
    """What came of one device, boot and channel.

    Attributes:
        highest: highest seq known of (stored, or announced as published).
        missing: gaps below it, ascending, disjoint.
        stored: messages taken, quarantined ones included.
        doubled: messages that were there already.
        quarantined: of the stored.
        lost: seqs given up when the boot was over.
        finished: the device said that this boot brings nothing more.
    """

    highest: int = 0
    missing: list[Range] = field(default_factory=list)
    stored: int = 0
    doubled: int = 0
    quarantined: int = 0
    lost: int = 0
    finished: bool = False

    def take(self, seq: int) -> bool:
        """Enter a message; False: it must not be stored, it is there already or has to wait."""
        if seq > self.highest:
            if self._must_wait(seq):
                self._gap(self.highest + 1, seq)
                self.highest = seq
                return False
            if seq > self.highest + 1:
                self._gap(self.highest + 1, seq - 1)
            self.highest = seq
        elif not self._fill(seq):
            return False
        self.stored += 1
        return True

    def expect(self, next_seq: int) -> None:
        """Enter the device's word that all below next_seq was published."""
        if next_seq - 1 > self.highest:
            self._gap(self.highest + 1, next_seq - 1)
            self.highest = next_seq - 1

    @property
    def contiguous(self) -> int:
        """Give the highest seq with nothing missing below: what the device may forget."""
        return self.missing[0][0] - 1 if self.missing else self.highest

    def resend(self, limit: int = RESEND_RANGES) -> list[Range]:
        """Give the gaps to ask for, oldest first."""
        return self.missing[:limit]

    def close(self) -> None:
        """Give up what is missing: nobody will send it any more."""
        for gap in self.missing:
            self._give_up(gap)
        self.missing = []

    def _must_wait(self, seq: int) -> bool:
        """Say whether taking a new highest seq would leave more gaps than are kept."""
        if self.missing and self.missing[-1][1] == self.highest:
            return len(self.missing) > RANGES_KEPT
        return seq > self.highest + 1 and len(self.missing) >= RANGES_KEPT

    def _gap(self, first: int, last: int) -> None:
        if self.missing and self.missing[-1][1] + 1 == first:
            self.missing[-1] = (self.missing[-1][0], last)
        else:
            self.missing.append((first, last))

    def _fill(self, seq: int) -> bool:
        """Take a seq out of its gap; False when it is in none, or would split one too many."""
        index = bisect_right(self.missing, (seq, COUNT_LIMIT)) - 1
        if index < 0 or not self.missing[index][0] <= seq <= self.missing[index][1]:
            self.doubled += 1
            return False
        first, last = self.missing[index]
        halves = [half for half in ((first, seq - 1), (seq + 1, last)) if half[0] <= half[1]]
        if len(halves) == 2 and len(self.missing) >= RANGES_KEPT:
            return False
        if len(self.missing) > RANGES_KEPT and last == self.highest and seq != first:
            # The gap of those that wait closes from its front: it must go on reaching the top.
            return False
        self.missing[index : index + 1] = halves
        return True

    def _give_up(self, gap: Range) -> None:
        self.lost = min(COUNT_LIMIT, self.lost + gap[1] - gap[0] + 1)


def from_row(highest: int, missing: Iterable[Iterable[int]], **counts: int | bool) -> Account:
    """Make an account of what the database holds (missing as JSON lists)."""
    ranges = [(first, last) for first, last in missing]
    return Account(highest, ranges, **counts)  # type: ignore[arg-type]
