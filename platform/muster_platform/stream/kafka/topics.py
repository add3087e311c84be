"""The topics: what each holds, and which messages go where. One table."""

from dataclasses import dataclass

from muster_protocol.channels import CHANNELS, RESERVED, UP

TELEMETRY, LOGS, EVENTS = "muster.telemetry", "muster.logs", "muster.events"
QUARANTINE, RECORDS, AUDIT = "muster.quarantine", "muster.records", "muster.audit"


@dataclass(frozen=True, slots=True)
class KafkaTopic:
    """A topic and what it holds, for people."""

    name: str
    holds: str


TOPICS: tuple[KafkaTopic, ...] = (
    KafkaTopic(TELEMETRY, "messages of up/telemetry, as sent"),
    KafkaTopic(LOGS, "messages of up/logs, as sent"),
    KafkaTopic(EVENTS, "messages of all other channels, as sent"),
    KafkaTopic(QUARANTINE, "messages that cannot be read"),
    KafkaTopic(RECORDS, "one finished document per log record"),
    KafkaTopic(AUDIT, "entries of the audit log"),
)

TOPIC_OF = {"telemetry": TELEMETRY, "logs": LOGS}
"""Channel -> topic; all others go to EVENTS."""

RAW = (TELEMETRY, LOGS, EVENTS, QUARANTINE)
"""What the bridge writes and `ingest --from kafka` reads: one record per MQTT message."""

CONTROL = frozenset({row.name for row in CHANNELS if row.direction is UP and row.control})
FROM_MQTT = CONTROL | {RESERVED}
"""Channels that ingest takes from MQTT always: control never waits for Kafka. The bridge writes
them, too, for others to read; `ingest --from kafka` leaves them out, or they would come twice."""

SUBSCRIBED = (*sorted(CONTROL), f"{RESERVED}/#")
"""Behind `muster/1/+/up/`: what ingest subscribes to where there is Kafka."""
