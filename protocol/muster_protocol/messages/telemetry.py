"""Telemetry: points of named values."""

from typing import Annotated

import msgspec

from muster_protocol import limits
from muster_protocol.messages.base import Message, Millis, UpMessage


class Location(Message, kw_only=True):
    """A place, WGS 84 degrees."""

    lat: Annotated[float, msgspec.Meta(ge=-90, le=90)]
    lon: Annotated[float, msgspec.Meta(ge=-180, le=180)]


TextValue = Annotated[str, msgspec.Meta(max_length=limits.TEXT_VALUE_CHARS)]
Value = bool | float | TextValue | Location
MetricName = Annotated[
    str,
    msgspec.Meta(
        min_length=1,
        max_length=limits.METRIC_NAME_CHARS,
        pattern=r"^[^\x00-\x1f\x7f#+$\s][^\x00-\x1f\x7f#+]*$",
    ),
]
Values = Annotated[dict[MetricName, Value], msgspec.Meta(max_length=limits.VALUES_PER_POINT)]


class Point(Message, kw_only=True):
    """Values measured together.

    Attributes:
        ts: when, by the device's clock; None means the time of receipt.
    """

    values: Values
    ts: Millis | None = None


class Telemetry(UpMessage, kw_only=True):
    """up/telemetry. A plain device may send {"name": value, …} instead: see codec."""

    points: Annotated[list[Point], msgspec.Meta(max_length=limits.POINTS_PER_MESSAGE)]
