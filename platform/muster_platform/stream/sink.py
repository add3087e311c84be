"""The database as a sink: one transaction per batch, answers after the commit."""

import logging
from collections.abc import Sequence

from sqlalchemy import exc
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, SQLAlchemyError

from muster_platform.access.actor import Actor
from muster_platform.devices.ingest import quarantine
from muster_platform.devices.ingest.ledger import ledgers
from muster_platform.devices.ingest.telemetry import Metrics
from muster_platform.stream.answers import LedgerNotes, Publisher, answer_hello, tell_ledgers
from muster_platform.stream.appliers import Appliers
from muster_platform.stream.kafka.ports import Records
from muster_platform.stream.messages import Envelope, Quarantined
from muster_platform.stream.ports import Fence, SinkAway
from muster_platform.stream.store import BatchStore, Outcome
from muster_platform.unit import Unit, Units

log = logging.getLogger(__name__)

STATEMENT_TIMEOUT_MS = 30_000
"""A batch that waits longer for a lock is tried again; the broker must hear from us meanwhile."""

REFUSED = (DataError, IntegrityError)
"""Errors of the database that are about the values; any other is about the database."""


class DatabaseSink:
    """Stores batches in the database and tells devices what was stored."""

    def __init__(
        self,
        units: Units,
        actor: Actor,
        appliers: Appliers,
        publisher: Publisher,
        lease: Fence,
        records: Records | None = None,
    ) -> None:
        """Put the parts together.

        Args:
            units: opens transactions.
            actor: in whose name.
            appliers: of the domains.
            publisher: takes answers.
            lease: asked first in every transaction.
            records: takes what log records become before they are committed.
        """
        self._units, self._actor, self._appliers = units, actor, appliers
        self._publisher, self._lease, self._records = publisher, lease, records
        self._metrics = Metrics()
        self._notes = LedgerNotes(units.settings.ledger_every_s * 1000)

    def write(self, envelopes: Sequence[Envelope], quarantined: Sequence[Quarantined]) -> None:
        """Store both in one transaction, then publish answers.

        Raises:
            SinkAway: the database is away, locked, full or not as it should be.
            LeaseLost: somebody else is ingest now.
        """
        try:
            try:
                outcome = self._store(envelopes, quarantined)
            except IntegrityError:
                # Retention may have deleted a metric's name whose id was remembered.
                self._metrics.forget()
                outcome = self._store(envelopes, quarantined)
        except BaseException as error:
            self._metrics.forget()
            if is_away(error):
                raise SinkAway(_first_line(error)) from error
            raise
        now = self._units.clock.now_ms()
        for address in outcome.stored:
            self._notes.stored(address, now)
        for address in outcome.heard:
            self._notes.heard(address, now)
        for address, answer in outcome.answers:
            answer_hello(self._publisher, address, answer)
            self._notes.hello(address, now)
        self.tell()

    def keep_bare(self, item: Quarantined, why: str) -> None:
        """Keep a message whole, without device and ledger: what can go wrong there is left out.

        Raises:
            SinkAway: the database is away.
            LeaseLost: somebody else is ingest now.
        """
        row = quarantine.bare_row(item.raw.received_at, item.raw.topic, item.raw.payload, why)
        try:
            with self._units.open(self._actor) as unit:
                _limit(unit)
                self._lease.fence(unit)
                quarantine.write_quarantine(unit.session.connection(), [row])
        except BaseException as error:
            if is_away(error):
                raise SinkAway(_first_line(error)) from error
            raise

    def tell(self) -> None:
        """Publish the ledgers that are due; a database that is away makes them late."""
        due = self._notes.due(self._units.clock.now_ms())
        if not due:
            return
        try:
            with self._units.open(self._actor, write=False) as unit:
                made = ledgers(unit.session.connection(), {a.device_key for a in due})
        except SQLAlchemyError as error:
            log.warning("ledgers are late: %s", _first_line(error))
            for address in due:
                self._notes.hello(address, self._units.clock.now_ms())
            return
        tell_ledgers(self._publisher, ((a, made[a.device_key]) for a in due))

    def _store(self, envelopes: Sequence[Envelope], quarantined: Sequence[Quarantined]) -> Outcome:
        with self._units.open(self._actor) as unit:
            _limit(unit)
            self._lease.fence(unit)
            store = BatchStore(unit, self._appliers, self._metrics)
            store.store(envelopes, quarantined)
            if self._records is not None:
                self._records.publish(unit.session.connection(), store.records)
            return store.outcome


def _limit(unit: Unit) -> None:
    if unit.session.get_bind().dialect.name == "postgresql":
        connection = unit.session.connection()
        connection.exec_driver_sql(f"SET LOCAL statement_timeout = {STATEMENT_TIMEOUT_MS}")


def is_away(error: BaseException) -> bool:
    """Say whether an error is about the database, and not about what was to be written."""
    if isinstance(error, exc.TimeoutError):  # of the connection pool
        return True
    return isinstance(error, DBAPIError) and not isinstance(error, REFUSED)


def _first_line(error: BaseException) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__
