"""Records that Elasticsearch refuses: kept alone in the quarantine, tried again when asked."""

import logging
from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import delete, select
from sqlalchemy.exc import SQLAlchemyError

from muster_platform.access.actor import Actor
from muster_platform.db.text import clean
from muster_platform.devices.ingest.quarantine import QuarantineRow, write_quarantine
from muster_platform.devices.models import Device
from muster_platform.devices.stream_models import Quarantined
from muster_platform.errors import Unavailable
from muster_platform.stream import bulk
from muster_platform.stream.indexer import Engine, Refusal
from muster_platform.stream.messages import DETAIL_CHARS
from muster_platform.stream.records import RECORDS_TOPIC
from muster_platform.unit import Unit, Units

log = logging.getLogger(__name__)

REASON = "not_indexed"
AT_ONCE = 50


class _Device(msgspec.Struct):
    id: str
    key: int


class _Head(msgspec.Struct):
    device: _Device


_head = msgspec.json.Decoder(_Head)


class IndexQuarantine:
    """Keeps refused records where the site shows them, and tries them again when asked."""

    def __init__(self, units: Units, actor: Actor, engine: Engine, prefix: str) -> None:
        self._units, self._actor = units, actor
        self._engine, self._prefix = engine, prefix

    def keep(self, refused: Sequence[Refusal]) -> None:
        """Keep them, each once, whatever was kept before a crash.

        Raises:
            Unavailable: the database is away.
        """
        try:
            with self._units.open(self._actor) as unit:
                rows = [self._row(unit, one) for one in dict.fromkeys(refused)]
                new = [row for row in rows if not _is_kept(unit, row)]
                write_quarantine(unit.session.connection(), new)
        except SQLAlchemyError as error:
            raise Unavailable(f"the database is away: {_line(error)}") from error

    def replay(self) -> int:
        """Try those again that a person asked for; give how many were tried."""
        try:
            with self._units.open(self._actor, write=False) as unit:
                chosen = select(Quarantined.id).where(
                    Quarantined.replay_at.is_not(None), Quarantined.topic == RECORDS_TOPIC
                )
                ids = list(unit.session.scalars(chosen.order_by(Quarantined.id).limit(AT_ONCE)))
            for row_id in ids:
                with self._units.open(self._actor) as unit:
                    self._again(unit, row_id)
        except (SQLAlchemyError, Unavailable) as error:
            log.warning("the replay of refused records waits: %s", _line(error))
            return 0
        return len(ids)

    def _again(self, unit: Unit, row_id: int) -> None:
        row = unit.session.get(Quarantined, row_id, with_for_update=True)
        if row is None or row.replay_at is None:
            return
        why = self._try(bytes(row.payload))
        if why is None:
            unit.session.execute(delete(Quarantined).where(Quarantined.id == row_id))
            return
        row.detail, row.replay_at = clean(f"tried again: {why}"[:DETAIL_CHARS]), None

    def _try(self, value: bytes) -> str | None:
        """Write one document; give why it is refused, None where it is taken."""
        try:
            line = bulk.action(self._prefix, value)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            return str(error)
        status, answer = self._engine.send("POST", bulk.PATH, line)
        if status != 200:
            raise Unavailable(f"Elasticsearch answers {status}")
        settled = bulk.settle(answer, 1)
        if settled.again:
            raise Unavailable("Elasticsearch is overloaded")
        return settled.refused[0][1] if settled.refused else None

    def _row(self, unit: Unit, one: Refusal) -> QuarantineRow:
        device_id, key = "", None
        try:
            said = _head.decode(one.value).device
        except (msgspec.DecodeError, UnicodeDecodeError):
            pass
        else:
            known: Any = unit.session.get(Device, said.key) if 0 < said.key < 2**63 else None
            if known is not None and known.device_id == said.id:
                device_id, key = said.id, said.key
        detail = one.reason[:DETAIL_CHARS]
        now = unit.now()
        return QuarantineRow(now, RECORDS_TOPIC, device_id, key, one.value, REASON, detail)


def _is_kept(unit: Unit, row: QuarantineRow) -> bool:
    same = select(Quarantined.id).where(
        Quarantined.topic == RECORDS_TOPIC,
        Quarantined.device_id == row.device_id,
        Quarantined.payload == row.payload,
    )
    return unit.session.scalar(same.limit(1)) is not None


def _line(error: Exception) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__
