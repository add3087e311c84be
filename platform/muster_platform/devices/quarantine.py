"""The quarantine: messages that could not be taken, with the bytes as they came; read again."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import ColumnElement, delete, or_, select, update

from muster_platform.access import audit
from muster_platform.access.permissions import Permission
from muster_platform.db.chunks import chunks
from muster_platform.devices.find import find_device, visible
from muster_platform.devices.models import Device
from muster_platform.devices.stream_models import Quarantined
from muster_platform.errors import NotFound, PermissionDenied
from muster_platform.paging import Key, Order, Page, PageRequest, fetch_page
from muster_platform.unit import Unit

MANY = 10_000
"""Most messages of one act."""


@dataclass(frozen=True, slots=True)
class QuarantineFilter:
    """Which messages; None does not narrow.

    Attributes:
        reason: a code, see Quarantined.
    """

    device_id: str | None = None
    reason: str | None = None
    since: int | None = None
    until: int | None = None


_NEWEST: Order[Quarantined] = Order(
    "quarantine", (Key(Quarantined.__table__.c.id, int, lambda row: row.id),), descending=True
)


class QuarantineService:
    """Reads the quarantine, has messages read again, deletes them.

    The bytes may hold anything that a device says, so it takes logs:read on the device's group;
    a message of an unknown device belongs to no group and takes system:read everywhere.
    """

    def __init__(self, unit: Unit) -> None:
        self._unit = unit
        self._session = unit.session

    def list(self, wanted: QuarantineFilter, page: PageRequest) -> Page[Quarantined]:
        """List messages, newest first.

        Raises:
            PermissionDenied: the actor may read no part of it.
            NotFound: the filter names a device that the actor may not read.
            InvalidInput: the cursor does not fit.
        """
        actor = self._unit.actor
        if not actor.may(Permission.SYSTEM_READ) and not actor.may_somewhere(Permission.LOGS_READ):
            raise PermissionDenied(Permission.LOGS_READ, "any group")
        statement = select(Quarantined).where(*self._conditions(wanted))
        most = self._unit.settings.page_size_max
        return fetch_page(self._session, statement, _NEWEST, page, most)

    def get(self, message_id: int) -> Quarantined:
        """Get one.

        Raises:
            NotFound: no such message that the actor may read.
        """
        row = self._session.scalar(
            select(Quarantined).where(Quarantined.id == message_id, self._readable())
        )
        if row is None:
            raise NotFound("quarantined message", message_id)
        return row

    def replay(self, message_id: int, reason: str = "") -> Quarantined:
        """Have one read again by ingest, soon, as if it came now, with the time it was received.

        Raises:
            NotFound: no such message that the actor may read.
            PermissionDenied: without system:write everywhere.
        """
        row = self.get(message_id)
        self._unit.actor.require(Permission.SYSTEM_WRITE)
        self._mark([row.id])
        self._note("quarantine.replay", row, reason)
        return row

    def delete(self, message_id: int, reason: str = "") -> None:
        """Delete one for good.

        Raises:
            NotFound, PermissionDenied: as `replay`.
        """
        row = self.get(message_id)
        self._unit.actor.require(Permission.SYSTEM_WRITE)
        self._note("quarantine.delete", row, reason)
        self._session.delete(row)

    def replay_all(self, wanted: QuarantineFilter, reason: str = "") -> int:
        """Have those of a filter read again, the oldest first, MANY at most; give how many.

        Raises:
            PermissionDenied: without system:write everywhere.
            NotFound: the filter names a device that the actor may not read.
        """
        return self._all("quarantine.replay_all", wanted, self._mark, reason)

    def delete_all(self, wanted: QuarantineFilter, reason: str = "") -> int:
        """Delete those of a filter for good, the oldest first, MANY at most; give how many.

        Raises:
            PermissionDenied, NotFound: as `replay_all`.
        """
        return self._all("quarantine.delete_all", wanted, self._remove, reason)

    def _all(
        self,
        action: str,
        wanted: QuarantineFilter,
        act: Callable[[Sequence[int]], None],
        reason: str,
    ) -> int:
        self._unit.actor.require(Permission.SYSTEM_WRITE)
        statement = select(Quarantined.id).where(*self._conditions(wanted))
        ids = self._session.scalars(statement.order_by(Quarantined.id).limit(MANY)).all()
        act(ids)
        given = {name: value for name, value in asdict(wanted).items() if value is not None}
        audit.record(
            self._unit,
            action,
            "quarantine",
            "",
            f"{len(ids)} messages",
            after={"count": len(ids), "filter": given},
            reason=reason,
        )
        return len(ids)

    def _mark(self, ids: Sequence[int]) -> None:
        for part in chunks(ids):
            self._session.execute(
                update(Quarantined)
                .where(Quarantined.id.in_(part))
                .values(replay_at=self._unit.now(), replay_by=self._unit.actor.name[:254])
            )

    def _remove(self, ids: Sequence[int]) -> None:
        for part in chunks(ids):
            self._session.execute(
                delete(Quarantined).where(Quarantined.id.in_(part)),
                execution_options={"synchronize_session": False},
            )

    def _note(self, action: str, row: Quarantined, reason: str) -> None:
        about = {"reason": row.reason, "detail": row.detail, "received_at": row.received_at}
        audit.record(
            self._unit,
            action,
            "quarantine",
            row.id,
            row.topic[:200],
            before=about,
            reason=reason,
            device_key=row.device_key,
        )

    def _conditions(self, wanted: QuarantineFilter) -> Sequence[ColumnElement[bool]]:
        found = [self._readable()]
        if wanted.device_id is not None:
            found.append(self._of(wanted.device_id))
        if wanted.reason is not None:
            found.append(Quarantined.reason == wanted.reason)
        if wanted.since is not None:
            found.append(Quarantined.received_at >= wanted.since)
        if wanted.until is not None:
            found.append(Quarantined.received_at < wanted.until)
        return found

    def _readable(self) -> ColumnElement[bool]:
        keys: Any = select(Device.id).where(visible(self._unit.actor, Permission.LOGS_READ))
        known: ColumnElement[bool] = Quarantined.device_key.in_(keys)
        if self._unit.actor.may(Permission.SYSTEM_READ):
            return or_(known, Quarantined.device_key.is_(None))
        return known

    def _of(self, device_id: str) -> ColumnElement[bool]:
        """Narrow to a device; for an id that nobody has, to what came in its name."""
        if self._unit.actor.may(Permission.SYSTEM_READ):
            return Quarantined.device_id == device_id
        device = find_device(self._unit, device_id, Permission.LOGS_READ)
        return Quarantined.device_key == device.id
