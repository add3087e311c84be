"""Wakes phones that an update waits for: one data push for each execution.

The row is written, and its attempt counted, before the request. A worker that is killed between
request and answer therefore sends again after the back-off: at least once, never more often than
that. The app drops what it knows by `execution`.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from sqlalchemy import ColumnElement, select

from muster_platform.db.text import clean
from muster_platform.devices.models import Device, Presence
from muster_platform.jobs.counting import ENDED
from muster_platform.jobs.models import Execution, ExecutionEvent, Job
from muster_platform.unit import Unit
from muster_platform.updates.catalog import ReleaseState
from muster_platform.updates.models import Push, Release
from muster_protocol.messages import UpdateMode
from muster_protocol.states import JobState, PresenceState

DUE, SENT, FAILED, DEAD = "DUE", "SENT", "FAILED", "DEAD"
TOKEN = "push_token"  # noqa: S105
"""Attribute of a device."""
ATTEMPTS = 8
FIRST_WAIT_S = 60
WAIT_MOST_S = 3600
TTL_MOST_S = 28 * 86_400
"""Longest that the service keeps a message for a phone that is off."""
FIELD_BYTES = 3_000
"""Most of `data`: a message may have 4096 bytes in all; the app asks for the rest itself."""
AWAY = (PresenceState.OFFLINE, PresenceState.SLEEPING, PresenceState.UNKNOWN)


class PushLater(Exception):
    """It may work later."""

    def __init__(self, text: str, retry_after_s: int = 0) -> None:
        super().__init__(text)
        self.retry_after_s = retry_after_s


class PushRefused(Exception):
    """It will never work."""


class TokenDead(PushRefused):
    """The token will never work again."""


class Pusher(Protocol):
    """Sends data messages to phones."""

    def push(self, token: str, data: Mapping[str, str], ttl_s: int) -> str:
        """Send one.

        Args:
            ttl_s: how long the service may keep it, in seconds.

        Returns:
            The service's name of the message.

        Raises:
            PushLater, PushRefused, TokenDead: by what can be done.
        """
        ...


@dataclass(frozen=True, slots=True)
class Claimed:
    """A push that is about to be sent."""

    execution_id: str
    token: str
    data: dict[str, str]
    ttl_s: int


def find(unit: Unit, limit: int) -> int:
    """Make a row for executions that wait for a phone that is away; give how many."""
    token = Device.attributes[TOKEN].as_string()
    query = (
        select(Execution.id, Execution.device_key)
        .join(Job, Job.id == Execution.job_id)
        .join(Device, Device.id == Execution.device_key)
        .join(Presence, Presence.device_key == Device.id)
        .outerjoin(Push, Push.execution_id == Execution.id)
        .where(Push.execution_id.is_(None), _waiting(), token.is_not(None), token != "")
        .order_by(Execution.id)
        .limit(limit)
    )
    rows = unit.session.execute(query).all()
    now = unit.now()
    for execution_id, device_key in rows:
        unit.session.add(
            Push(
                execution_id=execution_id,
                device_key=device_key,
                state=DUE,
                due_at=now,
                created_at=now,
            )
        )
    unit.session.flush()
    return len(rows)


def claim(unit: Unit) -> Claimed | None:
    """Take the next one that is due; None where there is none.

    Its next time is set before it is sent, so that no other worker takes it meanwhile.
    """
    query = (
        select(Push)
        .where(Push.state == DUE, Push.due_at <= unit.now())
        .order_by(Push.due_at)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    push = unit.session.scalar(query)
    if push is None:
        return None
    push.attempts += 1
    push.due_at = unit.now() + wait_s(push.attempts) * 1000
    execution = unit.session.get_one(Execution, push.execution_id)
    device = unit.session.get_one(Device, push.device_key)
    token = device.attributes.get(TOKEN)
    if not _still_waits(unit, execution) or not isinstance(token, str) or not token:
        _end(push, FAILED, "it was not needed any more")
        return Claimed(push.execution_id, "", {}, 0)
    push.token_hash = _hash(token)
    release = unit.session.get_one(Release, execution.job.document["release"])
    left_s = (execution.expires_at - unit.now()) // 1000
    return Claimed(
        push.execution_id, token, _data(execution, release), max(0, min(left_s, TTL_MOST_S))
    )


def sent(unit: Unit, execution_id: str, answer: str) -> None:
    """Note that the service took it."""
    push = unit.session.get_one(Push, execution_id)
    push.sent_at = unit.now()
    _end(push, SENT, answer)
    _tell(unit, push, "A push was sent to the phone", {"message": answer})


def later(unit: Unit, execution_id: str, text: str, retry_after_s: int) -> None:
    """Note that it is tried again, or given up after ATTEMPTS."""
    push = unit.session.get_one(Push, execution_id)
    push.answer = clean(text)
    if push.attempts >= ATTEMPTS:
        refused(unit, execution_id, f"given up after {ATTEMPTS} attempts: {text}")
        return
    push.due_at = unit.now() + max(wait_s(push.attempts), retry_after_s) * 1000


def refused(unit: Unit, execution_id: str, text: str, *, dead: bool = False) -> None:
    """Note that nothing more is tried; a token that is dead is taken off its device."""
    push = unit.session.get_one(Push, execution_id)
    _end(push, DEAD if dead else FAILED, text)
    if dead:
        device = unit.session.get_one(Device, push.device_key, with_for_update={"of": Device})
        token = device.attributes.get(TOKEN)
        # The device may have told another one meanwhile; that one is kept.
        if isinstance(token, str) and _hash(token) == push.token_hash:
            device.attributes = {k: v for k, v in device.attributes.items() if k != TOKEN}
    _tell(unit, push, "The phone could not be pushed", {"answer": text})


def wait_s(attempts: int) -> int:
    """Give the seconds until the next attempt."""
    return int(min(FIRST_WAIT_S * 2 ** max(0, attempts - 1), WAIT_MOST_S))


def _waiting() -> ColumnElement[bool]:
    released = (
        select(Release.id)
        .where(
            Release.id == Job.document["release"].as_string(),
            Release.state == str(ReleaseState.PUBLISHED),
        )
        .exists()
    )
    states = (str(JobState.IN_PROGRESS), str(JobState.SCHEDULED))
    return (
        (Execution.mode == str(UpdateMode.NOTIFY))
        & (Execution.state.not_in(ENDED))
        & (Execution.delivered_at.is_(None))
        & (Execution.cancel_requested_at.is_(None))
        & (Presence.state.in_([str(state) for state in AWAY]))
        & (Job.state.in_(states))
        & (Device.disabled_at.is_(None))
        & released
    )


def _still_waits(unit: Unit, execution: Execution) -> bool:
    query = (
        select(Execution.id)
        .join(Job, Job.id == Execution.job_id)
        .join(Device, Device.id == Execution.device_key)
        .join(Presence, Presence.device_key == Device.id)
        .where(Execution.id == execution.id, _waiting())
    )
    return unit.session.scalar(query) is not None


def _data(execution: Execution, release: Release) -> dict[str, str]:
    """Give what the app gets: text only, as the service wants it."""
    data = json.dumps(release.data, separators=(",", ":"))
    return {
        "kind": "update",
        "execution": execution.id,
        "release": release.id,
        "version": release.version,
        "title": release.title[:256],
        "body": release.body[:512],
        "url": release.url[:512],
        "data": data if len(data.encode()) <= FIELD_BYTES - 1_300 else "",
    }


def _end(push: Push, state: str, answer: str) -> None:
    push.state, push.due_at, push.answer = state, None, clean(answer)[:2_000]


def _tell(unit: Unit, push: Push, message: str, data: dict[str, str]) -> None:
    execution = unit.session.get_one(Execution, push.execution_id)
    unit.session.add(
        ExecutionEvent(
            execution_id=push.execution_id,
            device_key=push.device_key,
            at=unit.now(),
            from_state=execution.state,
            to_state=execution.state,
            actor="push",
            message=message,
            data={**data, "attempts": push.attempts},
        )
    )


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
