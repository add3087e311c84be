"""A device's message on its way to the store, read once; and one that could not be read."""

from typing import NamedTuple

import msgspec

from muster_broker.receiver import Received
from muster_platform.db.text import clean
from muster_protocol.channels import CHANNELS, RESERVED, UP, Direction
from muster_protocol.codec import DecodeError, decode
from muster_protocol.limits import PAYLOAD_BYTES
from muster_protocol.messages import Message
from muster_protocol.messages.base import Id, Seq
from muster_protocol.topics import Topic, TopicError, parse

_TOPICS_KEPT = 200_000
DETAIL_CHARS = 500


class Envelope(NamedTuple):
    """A message that was read.

    Attributes:
        subject: device id that it is about (the child's, behind a gateway).
        channel: first level after up/.
        message: decoded; None on an integrator's own channel (`up/x/#`).
        raw: topic, payload, QoS, retained flag and received_at as they came.
        origin: where it was first stored, when that was the spool; names records of a device
            that numbers nothing, so that storing them twice is storing them once.
    """

    topic: Topic
    subject: str
    channel: str
    message: Message | None
    raw: Received
    origin: str = ""


class Quarantined(NamedTuple):
    """A message that cannot be stored as what it claims to be.

    Attributes:
        subject: device id, "" where not even the topic can be read.
        reason: code (quarantine table).
        detail: for people.
        boot: of its identity, where that much can be read: the ledger then knows that it came,
            and nobody asks for it again.
    """

    raw: Received
    subject: str
    reason: str
    detail: str
    channel: str = ""
    boot: str | None = None
    seq: int | None = None
    origin: str = ""


Item = Envelope | Quarantined


class _Identity(msgspec.Struct):
    boot: Id | None = None
    seq: Seq | None = None


_identity = msgspec.json.Decoder(_Identity)

_FAST: dict[str, msgspec.json.Decoder[Message]] = {
    row.name: msgspec.json.Decoder(row.message) for row in CHANNELS if row.direction is UP
}
"""The full form of each channel, tried first; what it refuses goes to `codec.decode`."""


class Reader:
    """Turns received messages into items; remembers topics, since a fleet repeats them."""

    def __init__(self, payload_bytes: int = PAYLOAD_BYTES) -> None:
        """Prepare.

        Args:
            payload_bytes: largest payload taken.
        """
        self._limit = payload_bytes
        self._fast_limit = min(payload_bytes, PAYLOAD_BYTES)
        self._topics: dict[str, Topic] = {}

    def read(self, raw: Received, origin: str = "") -> Item:
        """Read one message; never raises, whatever it holds."""
        topic = self._topics.get(raw.topic)
        if topic is None:
            try:
                topic = self._parse(raw.topic)
            except TopicError as error:
                return Quarantined(raw, "", "topic", str(error)[:DETAIL_CHARS], origin=origin)
        subject = topic.child or topic.device_id
        payload = raw.payload
        fast = _FAST.get(topic.channel)
        if fast is not None and len(payload) <= self._fast_limit and payload[:1] == b"{":
            try:
                message = fast.decode(payload)
            except (ValueError, RecursionError, OverflowError):
                pass
            else:
                return Envelope(topic, subject, topic.channel, message, raw, origin)
        return self._read_slowly(raw, topic, subject, origin)

    def _read_slowly(self, raw: Received, topic: Topic, subject: str, origin: str) -> Item:
        """Read what is not a plain case of the full form, or say what is wrong with it."""
        try:
            if len(raw.payload) > self._limit:
                raise DecodeError(
                    "too_large", f"{len(raw.payload)} bytes; at most {self._limit} are taken"
                )
            if topic.channel == RESERVED:
                return Envelope(topic, subject, RESERVED, None, raw, origin)
            message = decode(Direction.UP, topic.channel, raw.payload, self._limit)
        except DecodeError as error:
            detail = clean(str(error)[:DETAIL_CHARS])
            return quarantine(raw, topic, error.code, detail, origin)
        return Envelope(topic, subject, topic.channel, message, raw, origin)

    def _parse(self, text: str) -> Topic:
        topic = parse(text)
        if topic.direction is not Direction.UP:
            raise TopicError(f"devices publish under up/ only: {text!r}")
        if len(self._topics) >= _TOPICS_KEPT:
            self._topics.clear()
        self._topics[text] = topic
        return topic


def quarantine(
    raw: Received, topic: Topic, reason: str, detail: str, origin: str = ""
) -> Quarantined:
    """Make a quarantined item, with its identity where the payload gives one."""
    boot, seq = _peek(raw.payload)
    subject = topic.child or topic.device_id
    return Quarantined(raw, subject, reason, detail, topic.channel, boot, seq, origin)


def _peek(payload: bytes) -> tuple[str | None, int | None]:
    try:
        identity = _identity.decode(payload)
    except (msgspec.DecodeError, ValueError, RecursionError):
        return None, None
    return identity.boot, identity.seq
