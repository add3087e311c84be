"""MQTT 3.1.1 packets to values and back; no I/O, no clock.

Only what a client at QoS 0 and 1 needs (OASIS mqtt-v3.1.1). The loop in `Parser.feed` is the hot
path of the platform: plain index arithmetic on one bytes object, one tuple per message.
"""

import sys
from array import array
from collections.abc import Iterable, Sequence
from enum import IntEnum
from typing import NamedTuple

from muster_broker.receiver.errors import ProtocolError

_PUBACK_WORD = 0x4002
_SWAP = sys.byteorder == "little"
PINGREQ = b"\xc0\x00"
DISCONNECT = b"\xe0\x00"


class Kind(IntEnum):
    """Packet types that a broker sends to us, besides PUBLISH."""

    CONNACK = 2
    PUBACK = 4
    SUBACK = 9
    UNSUBACK = 11
    PINGRESP = 13


_BODY_BYTES = {Kind.CONNACK: 2, Kind.PUBACK: 2, Kind.UNSUBACK: 2, Kind.PINGRESP: 0}


class Received(NamedTuple):
    """One message of a subscription.

    Attributes:
        topic: as published; bytes that are not UTF-8 are replaced, the pipeline quarantines it.
        qos: 0 or 1.
        packet_id: what a PUBACK names; 0 at QoS 0.
        dup: the broker has sent it before.
        retain: it was stored at the broker when we subscribed.
        received_at: ms since the epoch, stamped once, here.
        connection: number of our connection it came on; its PUBACK is good on that one only.
    """

    topic: str
    payload: bytes
    qos: int
    packet_id: int
    dup: bool
    retain: bool
    received_at: int
    connection: int


class Control(NamedTuple):
    """Any other packet: its type and its body."""

    kind: Kind
    body: bytes


Packet = Received | Control


class Parser:
    """Cuts a byte stream into packets, whatever the chunks.

    Attributes:
        fault: what was wrong with the stream; nothing is parsed after it.
    """

    def __init__(self, max_packet_bytes: int = 1024 * 1024, connection: int = 0) -> None:
        self.fault: ProtocolError | None = None
        self._max = max_packet_bytes
        self._connection = connection
        self._rest = bytearray()
        self._need = 2

    def feed(self, chunk: bytes, received_at: int) -> list[Packet]:
        """Parse what is complete; keep the rest for the next chunk.

        Packets in front of a fault are given first; then `fault` is set and the next call raises.

        Args:
            chunk: the next bytes of the stream.
            received_at: ms since the epoch for every message completed by this chunk.

        Raises:
            ProtocolError: the stream was found faulty by an earlier call.
        """
        if self.fault is not None:
            raise self.fault
        if self._rest:
            self._rest += chunk
            if len(self._rest) < self._need:
                return []
            chunk = bytes(self._rest)
            self._rest.clear()
        out: list[Packet] = []
        try:
            used = self._parse(chunk, received_at, out)
        except ProtocolError as error:
            self.fault = error
            return out
        if used < len(chunk):
            self._rest += memoryview(chunk)[used:]
        return out

    def _parse(  # noqa: C901 - the hot path; a call per packet would cost a fifth of it
        self, data: bytes, received_at: int, out: list[Packet]
    ) -> int:
        """Append whole packets to `out`; return how many bytes they took."""
        pos, end, connection = 0, len(data), self._connection
        append, largest = out.append, self._max
        while pos + 2 <= end:
            first, length, body = data[pos], data[pos + 1], pos + 2
            if length > 127:
                length, body = _long_length(data, pos + 1, end)
                if body == 0:
                    self._need = end - pos + 1
                    return pos
                if length > largest:
                    raise ProtocolError(f"packet of {length} bytes; at most {largest} are taken")
            after = body + length
            if after > end:
                if first & 0xF0 != 0x30:
                    _check_header(first, length)
                self._need = after - pos
                return pos
            pos = after
            if first & 0xF0 != 0x30:
                append(_control(first, data[body:after]))
                continue
            text = body + 2
            payload = text + (data[body] << 8 | data[body + 1]) if length > 1 else after + 1
            qos, packet_id, topic_end = first >> 1 & 3, 0, payload
            if qos:
                payload += 2
            if payload > after or qos > 1:
                raise ProtocolError(f"PUBLISH of {length} bytes at QoS {qos} is malformed")
            if qos:
                packet_id = data[topic_end] << 8 | data[topic_end + 1]
                if packet_id == 0:
                    raise ProtocolError("PUBLISH at QoS 1 with packet id 0")
            append(
                Received(
                    str(data[text:topic_end], "utf-8", "replace"),
                    data[payload:after],
                    qos,
                    packet_id,
                    first & 8 != 0,
                    first & 1 != 0,
                    received_at,
                    connection,
                )
            )
        self._need = 2
        return pos


def _long_length(data: bytes, pos: int, end: int) -> tuple[int, int]:
    """Read a remaining length of several bytes (section 2.2.3): (length, body), body 0 = more."""
    length = 0
    for index in range(4):
        if pos + index >= end:
            return 0, 0
        byte = data[pos + index]
        length |= (byte & 0x7F) << 7 * index
        if byte < 128:
            return length, pos + index + 1
    raise ProtocolError("remaining length of more than four bytes")


def _check_header(first: int, length: int) -> Kind:
    """Check all that the first bytes tell, so that a peer of another kind is found at once."""
    try:
        kind = Kind(first >> 4)
    except ValueError:
        raise ProtocolError(f"packet type {first >> 4} is not a broker's to send") from None
    if first & 0x0F:
        raise ProtocolError(f"{kind.name} with flags {first & 0x0F}")
    wanted = _BODY_BYTES.get(kind)
    if (length < 3) if wanted is None else (length != wanted):
        raise ProtocolError(f"{kind.name} of {length} bytes")
    return kind


def _control(first: int, body: bytes) -> Control:
    return Control(_check_header(first, len(body)), body)


def word(body: bytes) -> int:
    """Read the packet id at the start of a body."""
    return body[0] << 8 | body[1]


def pubacks(packet_ids: Sequence[int]) -> bytes:
    """Write one PUBACK per packet id (1 to 65535), all in one piece."""
    words = array("H", [_PUBACK_WORD]) * (2 * len(packet_ids))
    words[1::2] = array("H", packet_ids)
    if _SWAP:
        words.byteswap()
    return words.tobytes()


def connect(
    client_id: str,
    *,
    username: str | None,
    password: str | None,
    keep_alive_s: int,
    clean: bool,
) -> bytes:
    """Write CONNECT for protocol level 4, without a will."""
    flags = 0x02 if clean else 0
    tail = _text(client_id)
    if username is not None:
        flags |= 0x80
        tail += _text(username)
    if password is not None:
        flags |= 0x40
        tail += _text(password)
    head = _text("MQTT") + bytes([4, flags]) + keep_alive_s.to_bytes(2, "big")
    return _packet(0x10, head + tail)


def subscribe(packet_id: int, filters: Iterable[tuple[str, int]]) -> bytes:
    """Write SUBSCRIBE for (filter, QoS) pairs."""
    body = b"".join(_text(text) + bytes([qos]) for text, qos in filters)
    return _packet(0x82, packet_id.to_bytes(2, "big") + body)


def unsubscribe(packet_id: int, filters: Iterable[str]) -> bytes:
    """Write UNSUBSCRIBE."""
    return _packet(0xA2, packet_id.to_bytes(2, "big") + b"".join(map(_text, filters)))


def publish(
    topic: str, payload: bytes, *, qos: int, retain: bool, packet_id: int, dup: bool = False
) -> bytes:
    """Write PUBLISH; `packet_id` is left out at QoS 0."""
    first = 0x30 | (8 if dup else 0) | qos << 1 | (1 if retain else 0)
    middle = packet_id.to_bytes(2, "big") if qos else b""
    return _packet(first, _text(topic) + middle + payload)


def _packet(first: int, body: bytes) -> bytes:
    length, head = len(body), bytearray([first])
    while True:
        head.append(length & 0x7F | (0x80 if length > 127 else 0))
        length >>= 7
        if not length:
            return bytes(head) + body


def _text(text: str) -> bytes:
    """Write a string with its length in front (section 1.5.3).

    Raises:
        ValueError: longer than 65,535 bytes, or holds a lone surrogate.
    """
    raw = text.encode()
    if len(raw) > 65_535:
        raise ValueError(f"text of {len(raw)} bytes; MQTT carries at most 65535")
    return len(raw).to_bytes(2, "big") + raw
