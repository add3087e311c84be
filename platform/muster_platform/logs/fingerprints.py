"""Faults, read: counted over the devices whose logs the actor may read, and no other.

A fault that was seen on none of them is not there.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Row, Select, cast, func, select

from muster_platform.access.models import User
from muster_platform.devices.models import Device
from muster_platform.devices.version_order import version_key
from muster_platform.errors import InvalidInput, NotFound
from muster_platform.logs.filter import LogFilter
from muster_platform.logs.fingerprint_models import Fingerprint, FingerprintAct, FingerprintDay
from muster_platform.logs.fingerprint_rules import DAY_MS, FingerprintState
from muster_platform.logs.fingerprint_views import (
    SORTS,
    TREND_DAYS,
    ActView,
    FingerprintFilter,
    FingerprintView,
    InVersion,
    OnDay,
    OnDevice,
)
from muster_platform.logs.models import LogRecord
from muster_platform.logs.narrowing import devices, readable
from muster_platform.logs.views import LEVELS
from muster_platform.paging import Key, Order, Page, PageRequest, after, make_page
from muster_platform.unit import Unit

ACTS = 100
LINES = 100
"""Most acts, and most versions, that are shown of one fault."""

_Day = FingerprintDay


def _sum(column: Any) -> ColumnElement[int]:
    return cast(func.sum(column), BigInteger)


class FingerprintService:
    """Reads faults."""

    def __init__(self, unit: Unit) -> None:
        self._unit = unit
        self._session = unit.session

    def search(self, wanted: FingerprintFilter, page: PageRequest) -> Page[FingerprintView]:
        """Give the faults of a filter.

        Raises:
            PermissionDenied: without logs:read on any group at all, or on the device's.
            NotFound: the filter names a device or group that is not there for the actor.
            InvalidInput: no such sort, or the cursor does not fit.
        """
        statement, order = self._statement(wanted)
        size = min(page.size, self._unit.settings.page_size_max)
        if page.cursor is not None:
            statement = statement.where(after(order, page.cursor))
        columns = [key.column.desc() if order.descending else key.column for key in order.keys]
        rows = list(self._session.execute(statement.order_by(*columns).limit(size + 1)))
        made = make_page(rows, size, order)
        return Page(self._views(made.items), made.next_cursor)

    def export(self, wanted: FingerprintFilter) -> Iterator[FingerprintView]:
        """Give all that `search` gives, up to the setting export_rows_max.

        Raises:
            PermissionDenied, NotFound, InvalidInput: as `search`.
        """
        left, cursor = self._unit.settings.export_rows_max, None
        while left > 0:
            page = self.search(wanted, PageRequest(min(left, 200), cursor))
            yield from page.items
            left, cursor = left - len(page.items), page.next_cursor
            if cursor is None:
                return

    def get(self, fingerprint: str) -> FingerprintView:
        """Get one.

        Raises:
            NotFound: no such fault, or seen on no device whose logs the actor may read.
        """
        statement, _ = self._statement(FingerprintFilter())
        row = self._session.execute(statement.where(Fingerprint.id == fingerprint)).one_or_none()
        if row is None:
            raise NotFound("fingerprint", fingerprint)
        return self._views([row])[0]

    def titles(self, fingerprints: Sequence[str]) -> dict[str, str]:
        """Name some faults, as far as the actor may know of them: {fingerprint: title}."""
        keys: Any = readable(self._unit)
        seen = select(_Day.fingerprint).where(_Day.device_key.in_(keys))
        rows = self._session.execute(
            select(Fingerprint.id, Fingerprint.title).where(
                Fingerprint.id.in_(fingerprints), Fingerprint.id.in_(seen)
            )
        )
        return {row.id: row.title for row in rows}

    def on_devices(self, fingerprint: str, page: PageRequest) -> Page[OnDevice]:
        """List the devices that a fault was seen on, the latest first.

        Raises:
            NotFound: as `get`.
        """
        self.get(fingerprint)
        seen = self._seen(fingerprint).add_columns(
            _Day.device_key,
            _sum(_Day.count).label("count"),
            func.min(_Day.first_seen).label("first"),
            func.max(_Day.last_seen).label("last"),
        )
        summed = seen.group_by(_Day.device_key).subquery()
        order: Order[Row[Any]] = Order(
            "last-",
            (
                Key(summed.c.last, int, lambda row: row.last),
                Key(summed.c.device_key, int, lambda row: row.device_key),
            ),
            descending=True,
        )
        statement = select(summed, Device.device_id).join(Device, Device.id == summed.c.device_key)
        if page.cursor is not None:
            statement = statement.where(after(order, page.cursor))
        size = min(page.size, self._unit.settings.page_size_max)
        columns = [key.column.desc() for key in order.keys]
        rows = list(self._session.execute(statement.order_by(*columns).limit(size + 1)))
        made = make_page(rows, size, order)
        versions = self._newest(fingerprint, [row.device_key for row in made.items])
        return Page(
            [
                OnDevice(
                    device_id=row.device_id,
                    count=row._mapping["count"],
                    first_seen=row.first,
                    last_seen=row.last,
                    version=versions.get(row.device_key, ""),
                )
                for row in made.items
            ],
            made.next_cursor,
        )

    def versions(self, fingerprint: str) -> list[InVersion]:
        """List the versions of the app that a fault was seen in, newest version first.

        Raises:
            NotFound: as `get`.
        """
        self.get(fingerprint)
        rows = self._session.execute(
            self._seen(fingerprint)
            .add_columns(
                _Day.version,
                _sum(_Day.count),
                func.count(_Day.device_key.distinct()),
                func.min(_Day.first_seen),
                func.max(_Day.last_seen),
            )
            .group_by(_Day.version)
        )
        found = [InVersion(*row) for row in rows]
        return sorted(found, key=lambda one: version_key(one.version), reverse=True)[:LINES]

    def trend(self, fingerprint: str, days: int = 30) -> list[OnDay]:
        """Count the records of the last days, oldest day first, those without any too.

        Raises:
            NotFound: as `get`.
        """
        self.get(fingerprint)
        first = self._unit.now() // DAY_MS - days + 1
        rows = self._session.execute(
            self._seen(fingerprint)
            .add_columns(_Day.day, _sum(_Day.count))
            .where(_Day.day >= first)
            .group_by(_Day.day)
        )
        counts: dict[int, int] = {row[0]: row[1] for row in rows}
        return [OnDay(day * DAY_MS, counts.get(day, 0)) for day in range(first, first + days)]

    def acts(self, fingerprint: str) -> list[ActView]:
        """Give what was done to a fault, newest first.

        Raises:
            NotFound: as `get`.
        """
        self.get(fingerprint)
        rows = self._session.scalars(
            select(FingerprintAct)
            .where(FingerprintAct.fingerprint == fingerprint)
            .order_by(FingerprintAct.at.desc(), FingerprintAct.id.desc())
            .limit(ACTS)
        )
        return [ActView(r.id, r.at, r.actor_name, r.act, r.data, r.reason) for r in rows]

    # ---------------------------------------------------------------------------------------

    def _seen(self, fingerprint: str) -> Select[Any]:
        """Select nothing yet, of what was counted on devices that the actor may see."""
        keys: Any = readable(self._unit)
        return select().where(_Day.fingerprint == fingerprint, _Day.device_key.in_(keys))

    def _statement(self, wanted: FingerprintFilter) -> tuple[Select[Any], Order[Row[Any]]]:
        summed = self._summed(wanted).subquery()
        statement = (
            select(Fingerprint, summed, User.name.label("assignee_name"))
            .join(summed, summed.c.fingerprint == Fingerprint.id)
            .outerjoin(User, User.id == Fingerprint.assignee_id)
        )
        if wanted.states:
            statement = statement.where(Fingerprint.state.in_(sorted(map(str, wanted.states))))
        for word in wanted.text.split()[:20]:
            statement = statement.where(Fingerprint.title.icontains(word, autoescape=True))
        if wanted.assignee is not None:
            statement = statement.where(Fingerprint.assignee_id == (wanted.assignee or None))
        if wanted.since is not None:
            statement = statement.where(summed.c.last_seen >= wanted.since)
        if wanted.new_since is not None:
            statement = statement.where(summed.c.first_seen >= wanted.new_since)
        if wanted.sort not in SORTS:
            raise InvalidInput(f"sort is one of {', '.join(SORTS)}", where="sort")
        name = f"{wanted.sort}-" if wanted.descending else wanted.sort
        keys: tuple[Key[Row[Any]], ...] = (
            Key(summed.c[wanted.sort], int, lambda row: row._mapping[wanted.sort]),
            Key(Fingerprint.__table__.c.id, str, lambda row: row.Fingerprint.id),
        )
        return statement, Order(name, keys, wanted.descending)

    def _summed(self, wanted: FingerprintFilter) -> Any:
        seen_on = LogFilter(device_id=wanted.device_id, group_id=wanted.group_id)
        keys: Any = devices(self._unit, seen_on)
        summed: Any = (
            select(
                _Day.fingerprint,
                _sum(_Day.count).label("count"),
                func.count(_Day.device_key.distinct()).label("devices"),
                func.min(_Day.first_seen).label("first_seen"),
                func.max(_Day.last_seen).label("last_seen"),
                func.max(_Day.level).label("level"),
            )
            .where(_Day.device_key.in_(keys))
            .group_by(_Day.fingerprint)
        )
        if wanted.version is not None:
            summed = summed.where(_Day.version == wanted.version)
        if wanted.since is not None:
            # What was not seen lately is not summed up at all.
            late: Any = select(_Day.fingerprint).where(_Day.day >= wanted.since // DAY_MS)
            summed = summed.where(_Day.fingerprint.in_(late))
        return summed

    def _views(self, rows: list[Row[Any]]) -> list[FingerprintView]:
        ids = [row.Fingerprint.id for row in rows]
        versions, trends, messages = self._more(ids)
        return [
            _view(row, versions[name], trends[name], messages.get(name))
            for name, row in zip(ids, rows, strict=True)
        ]

    def _more(
        self, ids: list[str]
    ) -> tuple[dict[str, list[str]], dict[str, list[int]], dict[str, str]]:
        """Give versions, trend and newest message of each."""
        keys: Any = readable(self._unit)
        mine = (_Day.fingerprint.in_(ids), _Day.device_key.in_(keys))
        versions: dict[str, list[str]] = defaultdict(list)
        pairs = select(_Day.fingerprint, _Day.version).where(*mine, _Day.version != "").distinct()
        for name, version in self._session.execute(pairs):
            versions[name].append(version)
        for found in versions.values():
            found.sort(key=version_key, reverse=True)
        first = self._unit.now() // DAY_MS - TREND_DAYS + 1
        trends: dict[str, list[int]] = defaultdict(lambda: [0] * TREND_DAYS)
        days = select(_Day.fingerprint, _Day.day, _sum(_Day.count)).where(*mine, _Day.day >= first)
        for name, day, count in self._session.execute(days.group_by(_Day.fingerprint, _Day.day)):
            if day - first < TREND_DAYS:
                trends[name][day - first] = count
        rank = func.row_number().over(
            partition_by=_Day.fingerprint, order_by=(_Day.last_seen.desc(), _Day.sample_id)
        )
        newest = select(_Day.fingerprint, _Day.sample_id, rank.label("rank")).where(*mine)
        chosen = newest.subquery()
        samples = (
            select(chosen.c.fingerprint, LogRecord.message)
            .join(LogRecord, LogRecord.id == chosen.c.sample_id)
            .where(chosen.c.rank == 1)
        )
        messages = {row[0]: row[1] for row in self._session.execute(samples)}
        return versions, trends, messages

    def _newest(self, fingerprint: str, keys: list[int]) -> dict[int, str]:
        """Give the version that each device was last seen with it in."""
        rows = self._session.execute(
            select(_Day.device_key, _Day.version)
            .where(_Day.fingerprint == fingerprint, _Day.device_key.in_(keys))
            .order_by(_Day.last_seen)
        )
        return {row[0]: row[1] for row in rows}


def _view(
    row: Row[Any], versions: list[str], trend: list[int], message: str | None
) -> FingerprintView:
    fault: Fingerprint = row.Fingerprint
    return FingerprintView(
        id=fault.id,
        title=fault.title or fault.exception_type or "Error",
        message=message,
        exception_type=fault.exception_type,
        logger=fault.logger,
        level=LEVELS[row.level],
        state=FingerprintState(fault.state),
        assignee_id=fault.assignee_id,
        assignee_name=row.assignee_name,
        count=row._mapping["count"],
        devices=row.devices,
        first_seen=row.first_seen,
        last_seen=row.last_seen,
        versions=versions,
        trend=trend,
        resolved_at=fault.resolved_at,
        resolved_in=fault.resolved_in,
        regressed_at=fault.regressed_at,
        note=fault.note,
        version=fault.version,
    )
