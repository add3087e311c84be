"""MQTT 3.1.1 on the wire (OASIS standard, chapters 2 and 3): strict, synchronous, no I/O.

amqtt's own packet classes read byte by byte from a stream, take text that is not UTF-8, and cost
more than all the rest of a message; so the broker reads whole packets from a buffer here. Anything
outside the standard raises Malformed and nothing else.
"""

from typing import NamedTuple

from muster_broker.embedded.errors import Malformed

CONNECT, CONNACK, PUBLISH, PUBACK, PUBREC, PUBREL, PUBCOMP = range(1, 8)
SUBSCRIBE, SUBACK, UNSUBSCRIBE, UNSUBACK, PINGREQ, PINGRESP, DISCONNECT = range(8, 15)

ACCEPTED, BAD_PROTOCOL, BAD_IDENTIFIER, UNAVAILABLE, BAD_CREDENTIALS, NOT_AUTHORISED = range(6)
"""Return codes of CONNACK (table 3.1)."""
FAILURE = 0x80
"""Return code of SUBACK: this filter was refused."""
CONNACK_V5_UNSUPPORTED = bytes((0x20, 3, 0, 0x84, 0))
"""CONNACK as MQTT 5 has it: reason 0x84 unsupported protocol version, no properties."""
PINGRESP_BYTES = bytes((PINGRESP << 4, 0))

_LEVEL_3_1_1, _LEVEL_5 = 4, 5
_ACK_FLAGS = {PUBACK: 0, PUBREC: 0, PUBREL: 2, PUBCOMP: 0}


class Frame(NamedTuple):
    """Where a whole packet lies in a buffer: `start:stop` is what follows the fixed header."""

    kind: int
    flags: int
    start: int
    stop: int


def next_frame(data: bytes, at: int, limit_bytes: int) -> Frame | None:
    """Find the packet that begins at `at`, or None while it is not all there.

    Raises:
        Malformed: its length is no length, or the packet would be larger than the limit.
    """
    length, shift, position, end = 0, 0, at + 1, len(data)
    while True:
        if position >= end:
            return None
        byte = data[position]
        position += 1
        length |= (byte & 0x7F) << shift
        if byte < 0x80:
            break
        shift += 7
        if shift > 21:
            raise Malformed("the remaining length has more than four bytes")
    if length > limit_bytes:
        raise Malformed(f"a packet of {length} bytes; at most {limit_bytes} are taken")
    if position + length > end:
        return None
    first = data[at]
    return Frame(first >> 4, first & 0x0F, position, position + length)


class Reader:
    """Takes fields from the body of one packet, in order."""

    def __init__(self, data: bytes, start: int, stop: int) -> None:
        self._data = data
        self._at = start
        self._stop = stop

    @property
    def left(self) -> int:
        """Bytes not yet taken."""
        return self._stop - self._at

    def take(self, count: int) -> bytes:
        """Take raw bytes.

        Raises:
            Malformed: the packet ends before.
        """
        at, self._at = self._at, self._at + count
        if self._at > self._stop:
            raise Malformed("the packet is shorter than its fields")
        return self._data[at : self._at]

    def byte(self) -> int:
        """Take one byte."""
        return self.take(1)[0]

    def number(self) -> int:
        """Take two bytes, big end first."""
        return int.from_bytes(self.take(2), "big")

    def binary(self) -> bytes:
        """Take bytes that stand behind their length."""
        return self.take(self.number())

    def text(self) -> str:
        """Take UTF-8 text that stands behind its length."""
        return decode_text(self.binary())

    def end(self) -> None:
        """Check that nothing is left.

        Raises:
            Malformed: there is.
        """
        if self.left:
            raise Malformed(f"{self.left} bytes too many in the packet")


def decode_text(data: bytes) -> str:
    """Decode a string of the protocol (section 1.5.3).

    Raises:
        Malformed: it is not UTF-8, or holds NUL.
    """
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        raise Malformed("a string is not UTF-8") from None
    if "\0" in text:
        raise Malformed("a string holds NUL")
    return text


class Will(NamedTuple):
    """What to publish for a client that is gone without DISCONNECT."""

    topic: str
    payload: bytes
    qos: int
    retain: bool


class Connect(NamedTuple):
    """A CONNECT of MQTT 3.1.1.

    Attributes:
        username: None when the packet has none; so for password.
        keep_alive_s: 0 for none.
    """

    client_id: str
    clean_session: bool
    keep_alive_s: int
    will: Will | None
    username: str | None
    password: str | None


class OtherProtocol(NamedTuple):
    """A CONNECT of another protocol version, and the CONNACK that its client understands."""

    name: str
    level: int
    answer: bytes


def decode_connect(frame: Frame, data: bytes) -> Connect | OtherProtocol:
    """Read the first packet of a connection.

    Raises:
        Malformed: it is no CONNECT, or one that the standard forbids.
    """
    if frame.kind != CONNECT or frame.flags:
        raise Malformed("the first packet is not a CONNECT")
    body = Reader(data, frame.start, frame.stop)
    name, level = body.text(), body.byte()
    if name not in ("MQTT", "MQIsdp"):
        raise Malformed(f"not MQTT but {name!r}")
    if name != "MQTT" or level != _LEVEL_3_1_1:
        newer = name == "MQTT" and level == _LEVEL_5
        return OtherProtocol(
            name, level, CONNACK_V5_UNSUPPORTED if newer else connack(BAD_PROTOCOL)
        )
    flags, keep_alive_s = body.byte(), body.number()
    _check_connect_flags(flags)
    client_id = body.text()
    will = None
    if flags & 0x04:
        will = Will(body.text(), body.binary(), flags >> 3 & 3, bool(flags & 0x20))
    username = body.text() if flags & 0x80 else None
    password = body.text() if flags & 0x40 else None
    body.end()
    return Connect(client_id, bool(flags & 0x02), keep_alive_s, will, username, password)


def _check_connect_flags(flags: int) -> None:
    if flags & 0x01:
        raise Malformed("the reserved flag of CONNECT is set")
    if flags & 0x18 == 0x18 or (not flags & 0x04 and flags & 0x38):
        raise Malformed("the will flags of CONNECT contradict each other")
    if flags & 0x40 and not flags & 0x80:
        raise Malformed("CONNECT has a password and no user name")


def decode_subscribe(frame: Frame, data: bytes) -> tuple[int, list[tuple[str, int]]]:
    """Read a SUBSCRIBE.

    Returns:
        The packet id and (filter, QoS) pairs.

    Raises:
        Malformed: the packet breaks the standard; a filter that does is left to the caller.
    """
    packet_id, body = _with_packet_id(frame, data)
    pairs = []
    while body.left:
        pairs.append((body.text(), body.byte()))
        if pairs[-1][1] > 2:
            raise Malformed("SUBSCRIBE asks for a QoS above 2")
    if not pairs:
        raise Malformed("SUBSCRIBE without a filter")
    return packet_id, pairs


def decode_unsubscribe(frame: Frame, data: bytes) -> tuple[int, list[str]]:
    """Read an UNSUBSCRIBE.

    Returns:
        The packet id and the filters.

    Raises:
        Malformed: the packet breaks the standard.
    """
    packet_id, body = _with_packet_id(frame, data)
    filters = []
    while body.left:
        filters.append(body.text())
    if not filters:
        raise Malformed("UNSUBSCRIBE without a filter")
    return packet_id, filters


def _with_packet_id(frame: Frame, data: bytes) -> tuple[int, Reader]:
    if frame.flags != 2:
        raise Malformed("the reserved flags of the packet are wrong")
    body = Reader(data, frame.start, frame.stop)
    packet_id = body.number()
    if not packet_id:
        raise Malformed("packet id 0")
    return packet_id, body


def decode_ack(kind: int, flags: int, data: bytes, start: int, stop: int) -> int:
    """Read PUBACK, PUBREC, PUBREL or PUBCOMP and give the packet id.

    Raises:
        Malformed: the packet breaks the standard.
    """
    if stop - start != 2 or flags != _ACK_FLAGS[kind]:
        raise Malformed("an acknowledgement has the wrong length or flags")
    packet_id = data[start] << 8 | data[start + 1]
    if not packet_id:
        raise Malformed("packet id 0")
    return packet_id


def connack(code: int, session_present: bool = False) -> bytes:
    """Build a CONNACK."""
    return bytes((CONNACK << 4, 2, session_present and code == ACCEPTED, code))


def ack(kind: int, packet_id: int) -> bytes:
    """Build PUBACK, PUBREC, PUBREL, PUBCOMP or UNSUBACK."""
    flags = 2 if kind == PUBREL else 0
    return bytes((kind << 4 | flags, 2, packet_id >> 8, packet_id & 0xFF))


def suback(packet_id: int, codes: list[int]) -> bytes:
    """Build a SUBACK."""
    head = bytes((SUBACK << 4,)) + _length(2 + len(codes))
    return head + packet_id.to_bytes(2, "big") + bytes(codes)


def publish(
    field: bytes, payload: bytes, qos: int, retain: bool, packet_id: int = 0, dup: bool = False
) -> bytes:
    """Build a PUBLISH.

    Args:
        field: the topic behind its length, as `topic_field` gives it.
        payload: the message.
        qos: 0, 1 or 2.
        retain: the flag, for the answer to a SUBSCRIBE.
        packet_id: needed with QoS above 0.
        dup: sent before.
    """
    first = PUBLISH << 4 | dup << 3 | qos << 1 | retain
    if not qos:
        return b"".join((bytes((first,)), _length(len(field) + len(payload)), field, payload))
    return b"".join(
        (
            bytes((first,)),
            _length(len(field) + 2 + len(payload)),
            field,
            packet_id.to_bytes(2, "big"),
            payload,
        )
    )


def topic_field(topic: str) -> bytes:
    """Give a topic behind its length, as it stands in a PUBLISH."""
    data = topic.encode("utf-8")
    return len(data).to_bytes(2, "big") + data


def _length(value: int) -> bytes:
    if value < 128:
        return bytes((value,))
    if value < 16_384:
        return bytes((value & 0x7F | 0x80, value >> 7))
    out = bytearray()
    while True:
        out.append(value & 0x7F | (0x80 if value > 0x7F else 0))
        value >>= 7
        if not value:
            return bytes(out)
