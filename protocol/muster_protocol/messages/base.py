"""Building blocks of all messages."""

from typing import Annotated, Any

import msgspec

from muster_protocol import limits

Id = Annotated[str, msgspec.Meta(min_length=1, max_length=limits.ID_CHARS)]
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=limits.NAME_CHARS)]
Text = Annotated[str, msgspec.Meta(max_length=limits.TEXT_CHARS)]
Millis = Annotated[int, msgspec.Meta(ge=-(2**62), le=2**62, description="ms since the epoch, UTC")]
"""Any integer that a database can hold; whether it is believable is `clocks.believe`'s say."""
Seq = Annotated[int, msgspec.Meta(ge=1, le=2**62)]
Session = Annotated[int, msgspec.Meta(ge=1, le=2**62)]
Data = dict[str, Any]
"""Free data: any JSON object, at most limits.DATA_DEPTH deep (`check_depth`)."""


class Message(msgspec.Struct, kw_only=True, omit_defaults=True):
    """Base of every message; unknown fields are ignored (msgspec's default)."""


class UpMessage(Message, kw_only=True):
    """Base of what a device publishes with QoS 1.

    Attributes:
        boot: id of this start of the agent; None for a plain device.
        seq: 1, 2, 3 … per boot and channel; None for a plain device or QoS 0.
    """

    boot: Id | None = None
    seq: Seq | None = None


def check_depth(name: str, data: Data) -> None:
    """Refuse free data that is nested too deep.

    Args:
        name: of the field that holds it.

    Raises:
        ValueError: it is nested more than limits.DATA_DEPTH levels deep.
    """
    layer: list[Any] = [data]
    for _ in range(limits.DATA_DEPTH):
        layer = [
            inner
            for outer in layer
            for inner in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(inner, dict | list | tuple)
        ]
        if not layer:
            return
    raise ValueError(f"`{name}` is nested more than {limits.DATA_DEPTH} levels deep")
