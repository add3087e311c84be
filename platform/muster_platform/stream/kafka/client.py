"""How the platform's Kafka clients are set up."""

import logging
from typing import Any

from muster_platform.settings import Settings

log = logging.getLogger("muster_platform.kafka")

LINGER_MS = 2
REFRESH_MS = 5_000
HEADERS_BYTES = 64 * 1024


def common(settings: Settings) -> dict[str, Any]:
    """Give what every client needs: where, and as whom."""
    chosen: dict[str, Any] = {
        "bootstrap.servers": ",".join(settings.kafka_brokers),
        "security.protocol": settings.kafka_security,
        "socket.nagle.disable": True,
        "reconnect.backoff.max.ms": 2_000,
        # Who works says in words that Kafka is away; the library says it each second.
        "log_level": 2,
        "logger": log,
    }
    sasl = settings.kafka_security.startswith("sasl")
    optional = {
        "sasl.mechanism": settings.kafka_sasl_mechanism if sasl else "",
        "sasl.username": settings.kafka_user,
        "sasl.password": settings.kafka_password,
        "ssl.ca.location": settings.kafka_ca_file,
        "ssl.certificate.location": settings.kafka_cert_file,
        "ssl.key.location": settings.kafka_key_file,
        "ssl.key.password": settings.kafka_key_password,
    }
    return chosen | {name: value for name, value in optional.items() if value}


def record_bytes(settings: Settings) -> int:
    """Give the largest record: whatever a broker lets through, with its headers."""
    return max(1024 * 1024, 4 * settings.payload_bytes) + HEADERS_BYTES


def producer(settings: Settings) -> dict[str, Any]:
    """Give what a producer needs: nothing lost, nothing out of order, bounded memory."""
    return common(settings) | {
        "enable.idempotence": True,
        "acks": "all",
        "linger.ms": LINGER_MS,
        "compression.type": settings.kafka_compression,
        "delivery.timeout.ms": settings.kafka_delivery_s * 1000,
        "message.max.bytes": record_bytes(settings),
        "queue.buffering.max.messages": 4 * settings.bridge_batch_messages,
        "queue.buffering.max.kbytes": settings.kafka_buffer_bytes // 1024,
        # A report for each record that was taken would cost as much as sending it: an empty
        # queue without an error says the same.
        "delivery.report.only.error": True,
    }


def consumer(settings: Settings, group: str) -> dict[str, Any]:
    """Give what a consumer of a group needs: it commits when it is told to, not before."""
    return common(settings) | {
        "group.id": group,
        "enable.auto.commit": False,
        "auto.offset.reset": "earliest",
        "session.timeout.ms": settings.kafka_session_s * 1000,
        "heartbeat.interval.ms": settings.kafka_session_s * 300,
        # A topic that is made after we came is seen soon, not after five minutes.
        "topic.metadata.refresh.interval.ms": REFRESH_MS,
        "partition.assignment.strategy": "cooperative-sticky",
        "queued.max.messages.kbytes": settings.kafka_buffer_bytes // 1024,
        "fetch.wait.max.ms": 50,
    }
