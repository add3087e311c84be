"""The log store in the database: PostgreSQL or SQLite.

Text is searched by containing, without an index (decision 87): the range in time is what keeps a
search quick.
"""

from typing import Any

from sqlalchemy import ColumnElement, Select, String, and_, cast, func, literal, or_, select
from sqlalchemy import tuple_ as together
from sqlalchemy.orm import Session

from muster_platform.devices.models import Device
from muster_platform.logs.models import LogRecord
from muster_platform.logs.store import Bar, Facet, LogQuery, Position
from muster_platform.logs.text_query import Term
from muster_platform.logs.views import LogView, view_of

_COLUMN: dict[Facet, ColumnElement[Any]] = {
    Facet.LEVEL: LogRecord.__table__.c.level,
    Facet.LOGGER: LogRecord.__table__.c.logger,
    Facet.DEVICE: LogRecord.__table__.c.device_key,
    Facet.FINGERPRINT: LogRecord.__table__.c.fingerprint,
    Facet.EXCEPTION: LogRecord.__table__.c.exception_type,
}
_SEARCHED = (LogRecord.message, LogRecord.exception_type, LogRecord.exception_message)


class DatabaseLogStore:
    """Implements logs.store.LogStore."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._sqlite = session.get_bind().dialect.name == "sqlite"

    def search(
        self, query: LogQuery, size: int, beyond: Position | None = None, *, newest_first: bool
    ) -> list[LogView]:
        """See LogStore."""
        place = (LogRecord.ts, LogRecord.id)
        statement = self._select(query)
        if beyond is not None:
            bounds = together(literal(beyond.ts), literal(beyond.id))
            here = together(*place)
            statement = statement.where(here < bounds if newest_first else here > bounds)
        order = [column.desc() if newest_first else column.asc() for column in place]
        rows = self._session.execute(statement.order_by(*order).limit(size))
        return [view_of(row, device_id) for row, device_id in rows]

    def get(self, devices: Select[Any], record_id: str) -> LogView | None:
        """See LogStore."""
        statement = self._select(LogQuery(devices)).where(LogRecord.id == record_id)
        found = self._session.execute(statement).one_or_none()
        return view_of(found[0], found[1]) if found else None

    def span(self, query: LogQuery) -> tuple[int, int] | None:
        """See LogStore."""
        found = self._session.execute(
            select(func.min(LogRecord.ts), func.max(LogRecord.ts)).where(*self._conditions(query))
        ).one()
        return (found[0], found[1]) if found[0] is not None else None

    def histogram(self, query: LogQuery, since: int, width_ms: int) -> list[Bar]:
        """See LogStore."""
        part = ((LogRecord.ts - since) // width_ms).label("part")
        rows = self._session.execute(
            select(part, LogRecord.level, func.count())
            .where(*self._conditions(query), LogRecord.ts >= since)
            .group_by(part, LogRecord.level)
            .order_by(part, LogRecord.level)
        )
        return [Bar(since + number * width_ms, level, count) for number, level, count in rows]

    def counts(
        self, query: LogQuery, by: Facet, size: int, most: int | None = None
    ) -> list[tuple[str, int]]:
        """See LogStore."""
        column = _COLUMN[by]
        chosen = select(column.label("value")).where(*self._conditions(query))
        if by is not Facet.LEVEL:
            chosen = chosen.where(column != "" if by is not Facet.DEVICE else column > 0)
        if most is not None:
            chosen = chosen.order_by(LogRecord.ts.desc()).limit(most)
        found = chosen.subquery()
        number = func.count().label("number")
        counted = select(found.c.value, number).group_by(found.c.value)
        counted = counted.order_by(number.desc(), found.c.value).limit(size)
        if by is not Facet.DEVICE:
            return [(str(value), count) for value, count in self._session.execute(counted)]
        top = counted.subquery()
        named = select(Device.device_id, top.c.number).join(top, top.c.value == Device.id)
        named = named.order_by(top.c.number.desc(), Device.device_id)
        return [(str(name), count) for name, count in self._session.execute(named)]

    def _select(self, query: LogQuery) -> Select[Any]:
        joined: Any = select(LogRecord, Device.device_id)
        joined = joined.join(Device, Device.id == LogRecord.device_key)
        chosen: Select[Any] = joined.where(*self._conditions(query))
        return chosen

    def _conditions(self, query: LogQuery) -> list[ColumnElement[bool]]:
        chosen: Any = query.devices
        found: list[ColumnElement[bool]] = [LogRecord.device_key.in_(chosen)]
        if query.levels is not None:
            found.append(LogRecord.level.in_(sorted(query.levels)))
        if query.since is not None:
            found.append(LogRecord.ts >= query.since)
        if query.until is not None:
            found.append(LogRecord.ts < query.until)
        if query.logger:
            found.append(LogRecord.logger.startswith(query.logger, autoescape=True))
        for column, value in (
            (LogRecord.exception_type, query.exception_type),
            (LogRecord.fingerprint, query.fingerprint),
            (LogRecord.log_session, query.log_session),
        ):
            if value is not None:
                found.append(column == value)
        found += [_holds(term) for term in query.terms]
        found += [self._field(name, value) for name, value in query.fields]
        return found

    def _field(self, name: str, value: str) -> ColumnElement[bool]:
        """Compare a field of the record as text, as JSON writes it: true, 1.5, words as such."""
        if not self._sqlite:
            said: Any = LogRecord.fields[name].as_string()
            same: ColumnElement[bool] = said == value
            return same
        path = f'$."{name}"'
        kind = func.json_type(LogRecord.fields, path)
        if value in ("true", "false"):
            return or_(kind == value, func.json_extract(LogRecord.fields, path) == value)
        text = cast(func.json_extract(LogRecord.fields, path), String)
        return and_(text == value, kind.not_in(("true", "false")))


def _holds(term: Term) -> ColumnElement[bool]:
    words = term.text
    said = (func.coalesce(column, "").icontains(words, autoescape=True) for column in _SEARCHED)
    anywhere: ColumnElement[bool] = or_(*said)
    holds: ColumnElement[bool] = ~anywhere if term.absent else anywhere
    return holds
