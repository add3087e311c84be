"""Bytes to messages and back. Every refusal names the field.

Decoding raises DecodeError and nothing else, whatever the bytes. Where a key stands twice in an
object the last one counts, as in most readers of JSON.
"""

from collections.abc import Callable
from typing import Any, TypeVar

import msgspec

from muster_protocol import faults, limits
from muster_protocol.channels import BY_NAME, CHANNELS, Channel, Direction
from muster_protocol.messages import LogRecord, Logs, Message, Point, Telemetry
from muster_protocol.messages.base import Id, Millis, Seq
from muster_protocol.messages.telemetry import Values

M = TypeVar("M", bound=Message)
T = TypeVar("T")


class DecodeError(ValueError):
    """A payload that cannot be read.

    Attributes:
        code: for counting: empty, too_large, encoding, syntax, field, channel.
        where: JSON path of the field at fault (`$.points[3].values.temp`), or "$".
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
_VALUES = msgspec.json.Decoder(Values)
_ENCODER = msgspec.json.Encoder()


def encode(message: Message) -> bytes:
    """Write a message as JSON, UTF-8, without fields at their defaults.

    Halves of surrogate pairs (half a character, as cut strings of apps hold) become U+FFFD.

    Raises:
        TypeError: free data holds what JSON has no form for.
    """
    try:
        return _ENCODER.encode(message)
    except UnicodeEncodeError:
        return _ENCODER.encode(_mend(msgspec.to_builtins(message)))


def decode(
    direction: Direction,
    channel: str,
    payload: bytes,
    limit_bytes: int = limits.PAYLOAD_BYTES,
) -> Message:
    """Read a payload of the channel; plain forms of telemetry and logs become full ones.

    Args:
        limit_bytes: the largest payload that is taken.

    Raises:
        DecodeError: the channel is unknown or the payload cannot be read.
    """
    row = BY_NAME.get((direction, channel))
    if row is None:
        raise DecodeError("channel", f"unknown channel {direction}/{channel}")
    check_form(payload, limit_bytes)
    try:
        return _DECODERS[row].decode(payload)
    except faults.FAULTS as error:
        problem = error
    plain = _plain(row, payload)
    if plain is not None:
        return plain
    raise _explain(problem, _DECODERS[row].decode, payload) from problem


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


def _mend(value: Any) -> Any:
    """Join surrogate pairs in all texts inside, and replace halves."""
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, dict):
        return {_mend(key): _mend(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_mend(inner) for inner in value]
    return value


def _plain(row: Channel, payload: bytes) -> Message | None:
    """Read the short forms of a plain device, or None where the payload is not one.

    Raises:
        DecodeError: it is one, with a fault.
    """
    if row.message not in (Telemetry, Logs):
        return None
    try:
        raw = _OBJECT.decode(payload)
    except faults.FAULTS:
        return None
    if row.message is Telemetry and "points" not in raw:
        return _plain_telemetry(raw)
    if row.message is Logs and "records" not in raw:
        return Logs(
            records=[_read(_RECORD.decode, payload)],
            boot=_field(raw, "boot", Id),
            seq=_field(raw, "seq", Seq),
        )
    return None


def _plain_telemetry(raw: dict[str, msgspec.Raw]) -> Telemetry:
    ts = _field(raw, "ts", Millis)
    boot, seq = _field(raw, "boot", Id), _field(raw, "seq", Seq)
    rest = {name: value for name, value in raw.items() if name not in ("ts", "boot", "seq")}
    if not rest:
        raise DecodeError("field", "neither `points` nor a value was given")
    values = _read(_VALUES.decode, msgspec.json.encode(rest))
    return Telemetry(points=[Point(values=values, ts=ts)], boot=boot, seq=seq)


def _field(raw: dict[str, msgspec.Raw], name: str, kind: Any) -> Any:
    if name not in raw:
        return None
    try:
        return msgspec.json.decode(raw[name], type=kind | None)
    except faults.FAULTS as error:
        raise DecodeError("field", faults.split(str(error))[0], f"$.{name}") from error


def _read(decode: Callable[[bytes], T], payload: bytes) -> T:
    try:
        return decode(payload)
    except faults.FAULTS as error:
        raise _explain(error, decode, payload) from error


def _explain(error: BaseException, decode: faults.Decode, payload: bytes) -> DecodeError:
    """Turn what msgspec (or a struct's own check) says into our error."""
    if isinstance(error, msgspec.ValidationError):
        what, where = faults.locate(decode, payload, error)
        return DecodeError("field", what, where)
    if isinstance(error, UnicodeDecodeError):
        return DecodeError("encoding", "the payload is not UTF-8")
    return DecodeError("syntax", str(error) or type(error).__name__)
