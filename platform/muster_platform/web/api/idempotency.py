"""Requests that may be sent twice: the second gets the first one's answer.

The answer is stored in the transaction that did the work, so an answer that is there was
committed, and a request that died half way left nothing and can be sent again.
"""

import hashlib
from dataclasses import dataclass

from sqlalchemy import delete
from sqlalchemy.exc import IntegrityError

from muster_platform.access.actor import Actor, system_actor
from muster_platform.access.models import IdempotencyKey
from muster_platform.bootstrap import Platform
from muster_platform.errors import Conflict, InvalidInput
from muster_platform.unit import Unit

HEADER = "Idempotency-Key"
REPLAYED_HEADER = "Idempotency-Replayed"
KEY_CHARS = 128
RUNNING = 0
KEPT_MS = 24 * 3600 * 1000
RUNNING_MS = 60 * 1000
"""After it a request without an answer is taken to have died."""


@dataclass(frozen=True, slots=True)
class Stored:
    """An answer given before."""

    status: int
    body: bytes


@dataclass(frozen=True, slots=True)
class Reservation:
    """A key that this request works under."""

    platform: Platform
    user_id: str
    key: str

    def store(self, unit: Unit, status: int, body: bytes) -> None:
        """Keep the answer, in the transaction of the work."""
        row = unit.session.get_one(IdempotencyKey, (self.user_id, self.key))
        row.status, row.body = status, body.decode()

    def release(self) -> None:
        """Free the key after a failure: nothing was done, so it may be tried again."""
        with self.platform.unit(system_actor("web")) as unit:
            unit.session.execute(
                delete(IdempotencyKey).where(
                    IdempotencyKey.user_id == self.user_id,
                    IdempotencyKey.key == self.key,
                    IdempotencyKey.status == RUNNING,
                )
            )


def fingerprint(method: str, path: str, body: bytes) -> str:
    """Give the hash that tells one request from another."""
    return hashlib.sha256(b"\n".join((method.encode(), path.encode(), body))).hexdigest()


def reserve(platform: Platform, actor: Actor, key: str, request_hash: str) -> Stored | Reservation:
    """Take the key for this request, or give the answer that it was given before.

    Raises:
        InvalidInput: not a fit key, or used for another request.
        Conflict: the first request with it is still running.
    """
    if not 1 <= len(key) <= KEY_CHARS or not key.isascii() or not key.isprintable():
        raise InvalidInput(
            f"1 to {KEY_CHARS} printable ASCII characters, best a UUID", where=f"header.{HEADER}"
        )
    try:
        with platform.unit(system_actor("web")) as unit:
            found = _look(unit, actor.id, key, request_hash)
            return found or Reservation(platform, actor.id, key)
    except IntegrityError:
        raise _running() from None  # another request took it in the same moment


def _look(unit: Unit, user_id: str, key: str, request_hash: str) -> Stored | None:
    now = unit.now()
    unit.session.execute(
        delete(IdempotencyKey).where(
            IdempotencyKey.user_id == user_id, IdempotencyKey.created_at < now - KEPT_MS
        )
    )
    row = unit.session.get(IdempotencyKey, (user_id, key), with_for_update=True)
    if row is None:
        row = IdempotencyKey(
            user_id=user_id,
            key=key,
            request_hash=request_hash,
            status=RUNNING,
            body="",
            created_at=now,
        )
        unit.session.add(row)
        unit.session.flush()
        return None
    if row.request_hash != request_hash:
        raise InvalidInput(
            "this key was used for another request; take a new one", where=f"header.{HEADER}"
        )
    if row.status != RUNNING:
        return Stored(row.status, row.body.encode())
    if row.created_at > now - RUNNING_MS:
        raise _running()
    row.created_at = now
    return None


def _running() -> Conflict:
    return Conflict(
        "the first request with this Idempotency-Key is still running; ask again in a moment",
        code="request_running",
    )
