"""Errors counted as they are stored, in the transaction of their batch: each record once.

What the ledger lets through is counted; a record that is in the store already (a plain device's,
written again from the spool) is not. All rows are written in the order of their keys, so that two
writers wait for each other and never lock each other out.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Connection

from muster_platform.db.bulk import Column, among, insert, member
from muster_platform.logs.fingerprint import normalise, title
from muster_platform.logs.fingerprint_models import TITLE_CHARS, VERSION_CHARS
from muster_platform.logs.fingerprint_rules import DAY_MS, app_version, has_regressed
from muster_platform.logs.ingest import Row
from muster_protocol.ids import uuid7


class Counted(NamedTuple):
    """What counting needs of a row of `log_records`."""

    id: str
    device_key: int
    ts: int
    level: int
    fingerprint: str


@dataclass(slots=True)
class Seen:
    """One fingerprint on one device on one day, in this batch."""

    newest: Counted
    count: int = 0
    first: int = 0
    level: int = 0


Key = tuple[str, int, int]
"""Fingerprint, day, device."""


@dataclass(slots=True)
class Tally:
    """What a batch says, summed up."""

    faults: dict[str, tuple[int, int]] = field(default_factory=dict)
    days: dict[Key, Seen] = field(default_factory=dict)

    def add(self, one: Counted) -> None:
        """Count one record."""
        first, last = self.faults.get(one.fingerprint, (one.ts, one.ts))
        self.faults[one.fingerprint] = (min(first, one.ts), max(last, one.ts))
        key = (one.fingerprint, one.ts // DAY_MS, one.device_key)
        seen = self.days.setdefault(key, Seen(one, first=one.ts))
        seen.count += 1
        seen.first = min(seen.first, one.ts)
        seen.level = max(seen.level, one.level)
        if one.ts >= seen.newest.ts:
            seen.newest = one


def count(connection: Connection, rows: Sequence[Row], now: int) -> None:
    """Count the errors among rows that are about to be stored.

    Args:
        connection: inside the transaction that stores them.
        rows: as `logs.ingest.rows` makes them; those without a fingerprint do not count.
        now: ms since the epoch.
    """
    errors = {row[0]: row for row in rows if row[13]}
    if not errors:
        return
    for known in _stored(connection, list(errors)):
        del errors[known]
    tally = Tally()
    for row in errors.values():
        tally.add(Counted(row[0], row[1], row[2], row[6], row[13]))
    if not errors:
        return
    before = _faults(connection, sorted(tally.faults))
    versions = versions_of(connection, {key for _, _, key in tally.days})
    new = tally.faults.keys() - before.keys()
    _write_faults(connection, tally, {r[13]: r for r in errors.values() if r[13] in new}, now)
    _write_days(connection, tally, versions)
    resolved = {name: known for name, known in before.items() if known[0] == "RESOLVED"}
    _regress(connection, tally, resolved, versions, now)


def _stored(connection: Connection, ids: list[str]) -> list[str]:
    condition = member(connection, "id", "text")
    found = connection.exec_driver_sql(
        f"SELECT id FROM log_records WHERE {condition}",  # noqa: S608 - our own names
        (among(connection, ids),),
    )
    return [row[0] for row in found]


def _faults(connection: Connection, ids: list[str]) -> dict[str, tuple[str, int, str]]:
    condition = member(connection, "id", "text")
    found = connection.exec_driver_sql(
        f"SELECT id, state, resolved_at, resolved_in FROM fingerprints WHERE {condition}",  # noqa: S608
        (among(connection, ids),),
    )
    return {row[0]: (row[1], row[2] or 0, row[3]) for row in found}


def versions_of(connection: Connection, keys: Iterable[int]) -> dict[int, str]:
    """Give the version of the app that devices run, by device key; none where they do not say."""
    condition = member(connection, "device_key")
    found = connection.exec_driver_sql(
        f"SELECT device_key, component, version FROM inventory_items WHERE {condition}",  # noqa: S608
        (among(connection, sorted(keys)),),
    )
    inventories: dict[int, dict[str, str]] = {}
    for key, component, version in found:
        inventories.setdefault(key, {})[component] = version
    return {key: app_version(held)[:VERSION_CHARS] for key, held in inventories.items()}


_FAULT = (
    *(Column(name, "text") for name in ("id", "title", "exception_type", "logger")),
    *(Column(name) for name in ("created_at", "first_seen", "last_seen")),
    *(Column(name, "text") for name in ("state", "resolved_in", "note")),
    Column("version"),
)


def _write_faults(connection: Connection, tally: Tally, new: dict[str, Row], now: int) -> None:
    made = []
    for name, (first, last) in sorted(tally.faults.items()):
        called = _called(new[name]) if name in new else ("", "", "")
        made.append((name, *called, now, first, last, "OPEN", "", "", 1))
    insert(
        connection,
        "fingerprints",
        _FAULT,
        made,
        conflict="(id) DO UPDATE SET"
        f" first_seen = {_least('fingerprints', 'first_seen')},"
        f" last_seen = {_greatest('fingerprints', 'last_seen')}",
    )


def _called(row: Row) -> tuple[str, str, str]:
    """Give title, type of the exception and logger of a fault, by one of its records."""
    logger, message, kind, said, stacktrace = row[7], row[8], row[10], row[11], row[12]
    name = title(kind, message, said, stacktrace)[:TITLE_CHARS]
    if kind is None:
        return name, "", logger
    return name, normalise(kind)[:TITLE_CHARS], ""


_DAY = (
    Column("fingerprint", "text"),
    Column("day", "integer"),
    Column("device_key"),
    Column("version", "text"),
    Column("count"),
    Column("level", "integer"),
    *(Column(name) for name in ("first_seen", "last_seen")),
    Column("sample_id", "text"),
)


def _write_days(connection: Connection, tally: Tally, versions: dict[int, str]) -> None:
    rows = [
        (
            *(name, day, key, versions.get(key, ""), seen.count, seen.level, seen.first),
            *(seen.newest.ts, seen.newest.id),
        )
        for (name, day, key), seen in sorted(tally.days.items(), key=lambda pair: pair[0])
    ]
    mine = "fingerprint_days"
    insert(
        connection,
        mine,
        _DAY,
        rows,
        conflict="(fingerprint, day, device_key, version) DO UPDATE SET"
        f" count = {mine}.count + excluded.count,"
        f" level = {_greatest(mine, 'level')},"
        f" first_seen = {_least(mine, 'first_seen')},"
        f" last_seen = {_greatest(mine, 'last_seen')},"
        f" sample_id = CASE WHEN excluded.last_seen >= {mine}.last_seen"
        f" THEN excluded.sample_id ELSE {mine}.sample_id END",
    )


def _regress(
    connection: Connection,
    tally: Tally,
    resolved: dict[str, tuple[str, int, str]],
    versions: dict[int, str],
    now: int,
) -> None:
    back: dict[str, str] = {}
    for (name, _, key), seen in tally.days.items():
        if name in resolved and name not in back:
            _, at, fixed_in = resolved[name]
            version = versions.get(key, "")
            if has_regressed(at, fixed_in, seen.newest.ts, version):
                back[name] = version
    if not back:
        return
    condition = member(connection, "id", "text")
    mark = "%s" if "%s" in condition else "?"
    # The condition on the state again: a person may have ended it between our look and now.
    found = connection.exec_driver_sql(
        f"UPDATE fingerprints SET state = 'REGRESSED', regressed_at = {mark},"  # noqa: S608
        f" version = version + 1 WHERE state = 'RESOLVED' AND {condition} RETURNING id",
        (now, among(connection, sorted(back))),
    )
    acts = [(uuid7(), row[0], now, "muster", "regressed", _json(back[row[0]]), "") for row in found]
    insert(connection, "fingerprint_acts", _ACT, acts)


_ACT = (
    *(Column(name, "text") for name in ("id", "fingerprint")),
    Column("at"),
    *(Column(name, "text") for name in ("actor_name", "act")),
    Column("data", "jsonb"),
    Column("reason", "text"),
)


def _json(version: str) -> Any:
    return msgspec.json.encode({"version": version} if version else {}).decode()


def _least(table: str, column: str) -> str:
    mine, theirs = f"{table}.{column}", f"excluded.{column}"
    return f"CASE WHEN {theirs} < {mine} THEN {theirs} ELSE {mine} END"


def _greatest(table: str, column: str) -> str:
    mine, theirs = f"{table}.{column}", f"excluded.{column}"
    return f"CASE WHEN {theirs} > {mine} THEN {theirs} ELSE {mine} END"
