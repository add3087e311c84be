"""Bytes to messages and back. Every refusal names the field.

Decoding raises DecodeError and nothing else, whatever the bytes.
"""

from typing import Any, TypeVar

import msgspec

from muster_protocol import limits
from muster_protocol.channels import BY_NAME, CHANNELS, Channel, Direction
from muster_protocol.messages import LogRecord, Logs, Message, Point, Telemetry
from muster_protocol.messages.base import Id, Millis, Seq
from muster_protocol.messages.telemetry import Values

M = TypeVar("M", bound=Message)


class DecodeError(ValueError):
    """A payload that cannot be read.

    Attributes:
        code: for counting: empty, too_large, encoding, syntax, field, channel.
        where: JSON path of the field at fault (`$.points[3].ts`), or "$".
    """

    def __init__(self, code: str, message: str, where: str = "$") -> None:
        super().__init__(f"{message} - at {where}" if where != "$" else message)
        self.code = code
        self.where = where


_DECODERS: dict[Channel, msgspec.json.Decoder[Message]] = {
    row: msgspec.json.Decoder(row.message) for row in CHANNELS
}
_OBJECT = msgspec.json.Decoder(dict[str, msgspec.Raw])
_RECORD = msgspec.json.Decoder(LogRecord)
_ENCODER = msgspec.json.Encoder()


def encode(message: Message) -> bytes:
    """Write a message as JSON, UTF-8, without fields at their defaults."""
    return _ENCODER.encode(message)


def decode(direction: Direction, channel: str, payload: bytes) -> Message:
    """Read a payload of the channel; plain forms of telemetry and logs become full ones.

    Raises:
        DecodeError: the channel is unknown or the payload cannot be read.
    """
    row = BY_NAME.get((direction, channel))
    if row is None:
        raise DecodeError("channel", f"unknown channel {direction}/{channel}")
    check_form(payload)
    try:
        return _DECODERS[row].decode(payload)
    except (msgspec.ValidationError, ValueError, RecursionError, OverflowError) as error:
        problem = error
    plain = _plain(row, payload)
    if plain is not None:
        return plain
    raise _explain(problem) from problem


def decode_as(kind: type[M], direction: Direction, channel: str, payload: bytes) -> M:
    """Read a payload whose message class the caller knows.

    Raises:
        DecodeError: as `decode`, or the channel carries another class.
    """
    message = decode(direction, channel, payload)
    if not isinstance(message, kind):
        raise DecodeError("channel", f"{direction}/{channel} does not carry {kind.__name__}")
    return message


def check_form(payload: bytes, limit_bytes: int = limits.PAYLOAD_BYTES) -> None:
    """Check size and first byte.

    Raises:
        DecodeError: empty, too large, or not a JSON object.
    """
    if not payload:
        raise DecodeError("empty", "the payload is empty")
    if len(payload) > limit_bytes:
        raise DecodeError("too_large", f"{len(payload)} bytes; at most {limit_bytes} are taken")
    if payload[:1] != b"{":
        raise DecodeError("encoding", f"first byte must be '{{', found 0x{payload[0]:02x}")


def _plain(row: Channel, payload: bytes) -> Message | None:
    """Read the short forms of a plain device, or None where the payload is not one.

    Raises:
        DecodeError: it is one, with a fault.
    """
    if row.message not in (Telemetry, Logs):
        return None
    try:
        raw = _OBJECT.decode(payload)
    except (msgspec.DecodeError, ValueError, RecursionError):
        return None
    try:
        if row.message is Telemetry and "points" not in raw:
            return _plain_telemetry(raw)
        if row.message is Logs and "records" not in raw:
            return Logs(
                records=[_RECORD.decode(payload)],
                boot=_field(raw, "boot", Id),
                seq=_field(raw, "seq", Seq),
            )
    except (msgspec.ValidationError, ValueError, RecursionError, OverflowError) as error:
        raise error if isinstance(error, DecodeError) else _explain(error) from error
    return None


def _plain_telemetry(raw: dict[str, msgspec.Raw]) -> Telemetry:
    ts = _field(raw, "ts", Millis)
    boot, seq = _field(raw, "boot", Id), _field(raw, "seq", Seq)
    rest = {name: value for name, value in raw.items() if name not in ("ts", "boot", "seq")}
    if not rest:
        raise DecodeError("field", "neither `points` nor a value was given")
    values = msgspec.json.decode(msgspec.json.encode(rest), type=Values)
    return Telemetry(points=[Point(values=values, ts=ts)], boot=boot, seq=seq)


def _field(raw: dict[str, msgspec.Raw], name: str, kind: Any) -> Any:
    if name not in raw:
        return None
    try:
        return msgspec.json.decode(raw[name], type=kind | None)
    except msgspec.ValidationError as error:
        raise DecodeError("field", str(error).split(" - at ")[0], f"$.{name}") from error


def _explain(error: BaseException) -> DecodeError:
    """Turn what msgspec (or a struct's own check) says into our error."""
    text, _, where = str(error).partition(" - at `")
    if isinstance(error, msgspec.ValidationError):
        return DecodeError("field", text, where.rstrip("`") or "$")
    if isinstance(error, UnicodeDecodeError):
        return DecodeError("encoding", "the payload is not UTF-8")
    return DecodeError("syntax", text or type(error).__name__)
