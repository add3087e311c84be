"""The audit log in Kafka: entries in their order, from where the last sweep stopped.

An entry's number has no gap before it and is given right before the commit, so the highest number
that was published says all. It is kept in the database after Kafka has the entries: a crash
between the two publishes the same entries again, under the same `event.id`.
"""

import logging
import time
from collections.abc import Callable

import msgspec
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from muster_platform.access.actor import Actor, system_actor
from muster_platform.access.models import AuditEntry
from muster_platform.devices.stream_models import StreamPosition
from muster_platform.stream.kafka.topics import AUDIT
from muster_platform.stream.kafka.writer import KafkaRecord, KafkaWriter, RecordRefused
from muster_platform.stream.ports import SinkAway
from muster_platform.stream.records import iso
from muster_platform.unit import Unit, Units

log = logging.getLogger(__name__)

POSITION = "audit"
EVERY_S = 2.0
RETRY_S = 30.0
"""After a failure: each try takes as long as Kafka may take, and what devices say waits for it."""
AT_ONCE = 500

_encode = msgspec.json.Encoder().encode


class AuditOut:
    """Publishes what is new; `step` again and again, by one process at a time.

    Attributes:
        problem: why entries wait, or None.
    """

    def __init__(
        self,
        units: Units,
        writer: KafkaWriter,
        *,
        actor: Actor | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Put the parts together.

        Args:
            units: opens transactions.
            writer: writes to Kafka.
            actor: in whose name; the bridge's when None.
            monotonic: gives seconds.
        """
        self.problem: str | None = None
        self._units, self._writer = units, writer
        self._actor = actor or system_actor("bridge")
        self._monotonic = monotonic
        self._at = 0.0

    def step(self) -> int:
        """Publish some entries, if it is time to look; give how many.

        A database or a Kafka that is away makes them late, and is no error here.
        """
        if self._monotonic() < self._at:
            return 0
        self._at = self._monotonic() + EVERY_S
        try:
            count = self._publish()
        except (SQLAlchemyError, SinkAway, RecordRefused) as error:
            self._report(str(error).splitlines()[0])
            self._at = self._monotonic() + RETRY_S
            return 0
        self._report(None)
        if count == AT_ONCE:
            self._at = 0.0
        return count

    def _publish(self) -> int:
        with self._units.open(self._actor, write=False) as unit:
            position = unit.session.get(StreamPosition, POSITION)
            entries = _entries(unit, position.position if position else 0)
            records = [KafkaRecord(AUDIT, _key(entry), document(entry), []) for entry in entries]
            bare = [document(entry, whole=False) for entry in entries]
            last = entries[-1].id if entries else 0
        if records:
            self._write(records, bare)
            with self._units.open(self._actor) as unit:
                unit.session.merge(StreamPosition(name=POSITION, position=last))
        return len(records)

    def _write(self, records: list[KafkaRecord], bare: list[bytes]) -> None:
        """Write records; one that is too large for Kafka without what was before and after."""
        try:
            self._writer.write(records)
        except RecordRefused:
            for record, value in zip(records, bare, strict=True):
                try:
                    self._writer.write([record])
                except RecordRefused:
                    log.warning("an audit entry is too large for Kafka: it goes without its values")
                    self._writer.write([record._replace(value=value)])

    def _report(self, problem: str | None) -> None:
        if problem and problem != self.problem:
            log.warning("audit entries wait for Kafka: %s", problem)
        self.problem = problem


def _entries(unit: Unit, after: int) -> list[AuditEntry]:
    query = select(AuditEntry).where(AuditEntry.id > after).order_by(AuditEntry.id)
    return list(unit.session.scalars(query.limit(AT_ONCE)))


def _key(entry: AuditEntry) -> bytes:
    return f"{entry.subject_kind}:{entry.subject_id}".encode()


def document(entry: AuditEntry, *, whole: bool = True) -> bytes:
    """Make an entry's document: ECS names, and what has no such name under `muster`.

    Args:
        whole: with what was before and after; both are null otherwise, and `hash` still holds.
    """
    made = {
        "@timestamp": iso(entry.at),
        "event": {"id": str(entry.id), "action": entry.action, "reason": entry.reason},
        "user": {"id": entry.actor_id, "name": entry.actor_name},
        "http": {"request": {"id": entry.request_id}},
        "muster": {
            "actor_kind": entry.actor_kind,
            "subject": {
                "kind": entry.subject_kind,
                "id": entry.subject_id,
                "name": entry.subject_name,
            },
            "device_key": entry.device_key,
            "before": entry.before if whole else None,
            "after": entry.after if whole else None,
            "hash": entry.hash,
        },
    }
    return _encode(made)
