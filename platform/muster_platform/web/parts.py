"""How each part of the installation stands: their own words, and what web sees by itself."""

import time
from dataclasses import replace

import redis
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from muster_platform.bootstrap import Platform
from muster_platform.parts.service import PartService, PartState
from muster_platform.unit import Unit

QUEUE = "muster"
"""Celery's list in Redis."""
NAMES = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}
SLOW_MS = 250
EXPECTED = ("ingest", "dispatch", "broker", "live", "worker", "schedule")
"""Every installation has these; one that never spoke is told, too."""
ORDER = (
    *("web", "database", "redis", "broker", "ingest", "dispatch", "live", "worker", "schedule"),
)
"""In which they are shown."""
STARTED_MS = time.time_ns() // 1_000_000


def part_states(platform: Platform, unit: Unit) -> list[PartState]:
    """Give every part.

    Raises:
        PermissionDenied: without system:read everywhere.
    """
    told = PartService(unit).list()
    known = {part.name for part in told}
    silent = [
        _part(name, "warn", "Has said nothing yet: is it started?", unit.now())
        for name in EXPECTED
        if name not in known
    ]
    own = [_web(), _database(unit), _redis(platform, unit)]
    found = [*own, *(_with_queue(platform, part) for part in told), *silent]
    return sorted(found, key=_place)


def _place(part: PartState) -> int:
    return ORDER.index(part.name) if part.name in ORDER else len(ORDER)


def _web() -> PartState:
    return _part("web", "ok", "Answers this page", STARTED_MS)


def _database(unit: Unit) -> PartState:
    begun = time.perf_counter()
    try:
        unit.session.execute(text("SELECT 1"))
    except SQLAlchemyError as error:
        return _part("database", "bad", f"Cannot be reached: {type(error).__name__}", unit.now())
    took = _took_ms(begun)
    kind = unit.session.get_bind().dialect.name
    state = "ok" if took < SLOW_MS else "warn"
    return _part(
        "database",
        state,
        f"{NAMES.get(kind, kind)}, answers in {took} ms",
        None,
        {"answer_ms": took},
    )


def _redis(platform: Platform, unit: Unit) -> PartState:
    if platform.redis is None:
        return _part("redis", "warn", "None configured: pages poll, no tasks run", None)
    begun = time.perf_counter()
    try:
        platform.redis.ping()
    except redis.RedisError as error:
        return _part("redis", "bad", f"Cannot be reached: {type(error).__name__}", unit.now())
    took = _took_ms(begun)
    return _part("redis", "ok", f"Answers in {took} ms", None, {"answer_ms": took})


def _with_queue(platform: Platform, part: PartState) -> PartState:
    """Add how many tasks wait to what the worker says."""
    if part.name != "worker" or part.state != "ok" or platform.redis is None:
        return part
    try:
        waiting = int(platform.redis.llen(QUEUE))
    except redis.RedisError:
        return part
    detail = f"{part.detail}, {waiting} tasks wait"
    return replace(part, detail=detail, figures={**part.figures, "waiting": waiting})


def _part(
    name: str, state: str, detail: str, since: int | None, figures: dict[str, float] | None = None
) -> PartState:
    return PartState(
        name=name, instance="", state=state, detail=detail, figures=figures or {}, since=since or 0
    )


def _took_ms(begun: float) -> float:
    return round((time.perf_counter() - begun) * 1000, 1)
