"""Kafka as a sink of the pipeline: one record per MQTT message, its payload as it was sent."""

from collections.abc import Callable, Iterator, Sequence

from muster_platform.stream.kafka import topics
from muster_platform.stream.kafka.writer import Headers, KafkaRecord, KafkaWriter, RecordRefused
from muster_platform.stream.messages import Envelope, Quarantined

Check = Callable[[], None]
CUT_BYTES = 4096


class KafkaSink:
    """Writes messages, each with who it is about and which it is."""

    def __init__(self, writer: KafkaWriter, check: Check) -> None:
        """Prepare.

        Args:
            check: raises LeaseLost when another bridge is active.
        """
        self._writer, self._check = writer, check

    def write(self, envelopes: Sequence[Envelope], quarantined: Sequence[Quarantined]) -> None:
        """Write both, in the order that devices sent them.

        Raises:
            SinkAway: Kafka does not take them now.
            LeaseLost: somebody else is the bridge.
            RecordRefused: one of them can never be taken.
        """
        self._check()
        self._writer.write(_records(envelopes, quarantined))

    def keep_bare(self, item: Quarantined, why: str) -> None:
        """Keep a message that is not taken, with little said about it, and cut if it must be.

        A topic made by others may take less than a broker lets through; no message may stop the
        bridge.
        """
        headers: Headers = [
            ("topic", item.raw.topic.encode(errors="replace")),
            ("reason", b"refused"),
            ("detail", why.encode(errors="replace")[:500]),
        ]
        payload = item.raw.payload
        try:
            self._writer.write([KafkaRecord(topics.QUARANTINE, b"", payload, headers)])
        except RecordRefused:
            headers.append(("cut_from", b"%d" % len(payload)))
            cut = payload[:CUT_BYTES]
            self._writer.write([KafkaRecord(topics.QUARANTINE, b"", cut, headers)])


def _records(
    envelopes: Sequence[Envelope], quarantined: Sequence[Quarantined]
) -> Iterator[KafkaRecord]:
    chosen = topics.TOPIC_OF
    for envelope in envelopes:
        raw = envelope.raw
        if raw.retain:
            continue  # the broker's copy of what was there already when it was said
        headers = _headers(envelope)
        topic = chosen.get(envelope.channel, topics.EVENTS)
        yield KafkaRecord(topic, envelope.subject.encode(), raw.payload, headers)
    for item in quarantined:
        headers = [
            ("topic", item.raw.topic.encode(errors="replace")),
            ("device", item.subject.encode()),
            ("channel", item.channel.encode()),
            ("received_at", b"%d" % item.raw.received_at),
            ("reason", item.reason.encode()),
            ("detail", item.detail.encode(errors="replace")),
        ]
        yield KafkaRecord(topics.QUARANTINE, item.subject.encode(), item.raw.payload, headers)


def _headers(envelope: Envelope) -> Headers:
    raw, message = envelope.raw, envelope.message
    headers: Headers = [
        ("topic", raw.topic.encode()),
        ("device", envelope.subject.encode()),
        ("channel", envelope.channel.encode()),
        ("received_at", b"%d" % raw.received_at),
    ]
    # A sketch, or what had to be read whole: both say which message it is.
    boot, seq = getattr(message, "boot", None), getattr(message, "seq", None)
    if boot is not None and seq is not None:
        headers.append(("boot", boot.encode(errors="replace")))
        headers.append(("seq", b"%d" % seq))
    if envelope.origin:
        headers.append(("origin", envelope.origin.encode()))
    return headers
