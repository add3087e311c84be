"""Reads as little of a message as the bridge needs: whose it is, and its number.

Whoever reads it from Kafka decodes it; twice would be once too often. What is no JSON at all goes
to quarantine here.
"""

import msgspec

from muster_broker.receiver import Received
from muster_platform.stream.messages import Envelope, Item, Reader
from muster_protocol.channels import CHANNELS, UP
from muster_protocol.messages.base import Message


class Sketched(Message, kw_only=True):
    """The identity of a message, and nothing of what it says."""

    boot: str | None = None
    seq: int | None = None


_sketch = msgspec.json.Decoder(Sketched)
_KNOWN = frozenset(row.name for row in CHANNELS if row.direction is UP)


class LightReader(Reader):
    """A reader that decodes the identity alone; what has none in that form is read whole."""

    def read(self, raw: Received, origin: str = "") -> Item:
        """Read one message; never raises, whatever it holds."""
        topic = self._topics.get(raw.topic)
        payload = raw.payload
        if topic is not None and topic.channel in _KNOWN and len(payload) <= self._limit:
            try:
                message = _sketch.decode(payload)
            except (ValueError, RecursionError, OverflowError):
                pass
            else:
                subject = topic.child or topic.device_id
                return Envelope(topic, subject, topic.channel, message, raw, origin)
        return super().read(raw, origin)
