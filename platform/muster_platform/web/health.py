"""Is it alive, and can it work: for supervisors and load balancers. No sign-in, no secrets."""

from collections.abc import Callable

import msgspec
import redis
from flask import Blueprint, Response
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from muster_platform.bootstrap import Platform
from muster_platform.db import migrate
from muster_platform.errors import ConfigurationError
from muster_platform.web.context import platform

blueprint = Blueprint("health", __name__, url_prefix="/health")

OK = "ok"
UNAVAILABLE = 503


class Readiness(msgspec.Struct, kw_only=True):
    """Whether the process can do its work.

    Attributes:
        checks: {part: "ok" or what is wrong with it}.
    """

    ready: bool
    checks: dict[str, str]


@blueprint.get("/live")
def live() -> Response:
    """Say that the process answers; a supervisor restarts it when it does not."""
    return Response(b'{"live":true}', content_type="application/json")


@blueprint.get("/ready")
def ready() -> Response:
    """Say whether database, migrations and Redis let it work (503 where they do not)."""
    found = readiness(platform())
    return Response(
        msgspec.json.encode(found),
        200 if found.ready else UNAVAILABLE,
        content_type="application/json",
    )


def readiness(of: Platform) -> Readiness:
    """Try every part that requests need."""
    checks = {name: check(of) for name, check in CHECKS.items()}
    return Readiness(ready=all(word == OK for word in checks.values()), checks=checks)


def _database(of: Platform) -> str:
    try:
        with of.engine.connect() as connection:
            connection.execute(text("SELECT 1"))
    except SQLAlchemyError as error:
        return f"cannot be reached ({type(error).__name__})"
    return OK


def _migration(of: Platform) -> str:
    try:
        migrate.check(of.engine)
    except ConfigurationError as error:
        return error.detail
    except SQLAlchemyError:
        return "unknown, the database cannot be reached"
    return OK


def _redis(of: Platform) -> str:
    if of.redis is None:
        return OK  # none is configured: then none is needed
    try:
        of.redis.ping()
    except redis.RedisError as error:
        return f"cannot be reached ({type(error).__name__})"
    return OK


CHECKS: dict[str, Callable[[Platform], str]] = {
    "database": _database,
    "migration": _migration,
    "redis": _redis,
}
