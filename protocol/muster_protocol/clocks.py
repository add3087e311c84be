"""Which clock counts: the device's word where it is believable, else the time of receipt."""

from typing import NamedTuple

from muster_protocol.limits import CLOCK_FUTURE_MS, CLOCK_PAST_MS


class Stamp(NamedTuple):
    """The time a point or record is stored under.

    Attributes:
        ts: milliseconds since the epoch, UTC.
        clamped: True where received_at took the place of the device's word.
    """

    ts: int
    clamped: bool


def believe(ts_device: int | None, received_at: int) -> Stamp:
    """Choose between the device's ts and received_at (both ms since the epoch)."""
    if ts_device is None:
        return Stamp(received_at, True)
    if received_at - CLOCK_PAST_MS <= ts_device <= received_at + CLOCK_FUTURE_MS:
        return Stamp(ts_device, False)
    return Stamp(received_at, True)


def next_session(last: int, now_ms: int) -> int:
    """Number the next MQTT connection: always greater than the last, near the clock."""
    return max(last + 1, now_ms)
