"""What an app hands over, turned into messages; errors name the value."""

import logging
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from muster_agent.errors import ConfigError
from muster_protocol import limits
from muster_protocol.messages import Point, Telemetry

BATCH_BYTES = 56 * 1024
_log = logging.getLogger("muster_agent")


def point(values: Mapping[str, Any], ts: int) -> Point:
    """Make a point of values measured together.

    Args:
        values: name -> number, bool, str, (lat, lon) or {"lat", "lon"}. A number that is not
            finite is left out with a warning: JSON has none, and the others are good.
        ts: ms since the epoch.

    Raises:
        ConfigError: a name or value is not allowed; the text names it.
    """
    plain: dict[str, Any] = {}
    for name, value in values.items():
        if isinstance(value, float) and not math.isfinite(value):
            _log.warning("telemetry %r is %s and was left out", name, value)
        elif isinstance(value, tuple) and len(value) == 2:
            plain[name] = {"lat": value[0], "lon": value[1]}
        else:
            plain[name] = value
    try:
        return msgspec.convert({"values": plain, "ts": ts}, Point)
    except msgspec.ValidationError as error:
        raise ConfigError(f"telemetry: {error}; got {plain!r}") from error


def pack(points: Sequence[Point]) -> Iterator[Telemetry]:
    """Divide points into messages that each fit into a payload."""
    batch: list[Point] = []
    size = 0
    for item in points:
        cost = len(msgspec.json.encode(item)) + 1
        if batch and (size + cost > BATCH_BYTES or len(batch) >= limits.POINTS_PER_MESSAGE):
            yield Telemetry(points=batch)
            batch, size = [], 0
        batch.append(item)
        size += cost
    if batch:
        yield Telemetry(points=batch)
