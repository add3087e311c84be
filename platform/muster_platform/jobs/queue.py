"""The executions table as a queue: what is due is claimed by lease, published, and marked.

A lease that runs out can be claimed again, by anybody: whoever was publishing then may have died
before or after the publish, and the device answers a repeated id from its journal.
"""

from collections.abc import Collection, Iterator
from typing import NamedTuple

from sqlalchemy import ColumnElement, or_, select, update

from muster_platform.jobs import rules
from muster_platform.jobs.advance import pause
from muster_platform.jobs.authors import Authors, lost_text
from muster_platform.jobs.due import due_after_sending, may_send
from muster_platform.jobs.facts import DeviceFacts, load_facts, standing_of, surroundings_of
from muster_platform.jobs.kinds import KINDS, kind_of
from muster_platform.jobs.models import Execution, Job
from muster_platform.jobs.moves import refresh_block, store
from muster_platform.jobs.rows import lock_job
from muster_platform.unit import Unit
from muster_protocol.codec import encode
from muster_protocol.messages import Message
from muster_protocol.states import JobState
from muster_protocol.topics import down

ACTOR = "dispatch"


class Parcel(NamedTuple):
    """What to publish for one execution."""

    execution_id: str
    topic: str
    payload: bytes
    qos: int


def anything_due(unit: Unit) -> bool:
    """Say whether a claim could find something; reads only."""
    found = unit.session.execute(select(Execution.id).where(*_claimable(unit)).limit(1)).first()
    return found is not None


def claim_due(unit: Unit, owner: str, limit: int) -> list[Parcel]:
    """Claim what is due and may be sent now, oldest first.

    `handed_at` is written here, before any publish, so that "never sent" is certain. What cannot
    be sent now is parked: not due, with what holds it back.

    Args:
        owner: of the lease; unique per process.
        limit: most rows to look at.
    """
    query = (
        select(Execution)
        .join(Job, Job.id == Execution.job_id)
        .where(*_claimable(unit))
        .order_by(Execution.due_at)
        .limit(limit)
        .with_for_update(of=Execution, skip_locked=True)
        .execution_options(populate_existing=True)
    )
    executions = list(unit.session.scalars(query))
    facts = load_facts(unit.session, [one.device_key for one in executions])
    authors, sending = Authors(unit.session), list[Execution]()
    for execution in executions:
        device = facts[execution.device_key]
        if device.deleted_at is not None:
            # Made in the same moment: the deletion could not see it, so it ends here.
            decision = rules.remove(standing_of(execution, execution.job), unit.now())
            store(unit, execution, decision, device, actor=ACTOR)
        elif _sendable(unit, execution, device, authors):
            sending.append(execution)
        else:
            execution.due_at = execution.lease_owner = execution.lease_until = None
            refresh_block(unit, execution, device)
    return [
        _claim(unit, one, message, facts[one.device_key], owner)
        for one, message in _messages(unit, sending)
    ]


def mark_sent(unit: Unit, ids: Collection[str], owner: str) -> list[str]:
    """Take the broker's acknowledgement for executions claimed by `owner`.

    Returns:
        Those that somebody else holds at this moment: to be marked a little later.
    """
    query = (
        select(Execution)
        .where(Execution.id.in_(ids))
        .order_by(Execution.id)
        .with_for_update(of=Execution, skip_locked=True)
        .execution_options(populate_existing=True)
    )
    executions = list(unit.session.scalars(query))
    facts = load_facts(unit.session, [one.device_key for one in executions])
    for execution in executions:
        _mark(unit, execution, facts[execution.device_key], owner)
    missing = set(ids) - {execution.id for execution in executions}
    return sorted(missing)


def release(unit: Unit, ids: Collection[str], owner: str) -> None:
    """Give claims back whose publish was not acknowledged: due again at once."""
    unit.session.execute(
        update(Execution)
        .where(Execution.id.in_(ids), Execution.lease_owner == owner)
        .values(due_at=unit.now(), lease_owner=None, lease_until=None),
        execution_options={"synchronize_session": False},
    )


def _claimable(unit: Unit) -> tuple[ColumnElement[bool], ...]:
    now = unit.now()
    return (
        Execution.due_at <= now,
        or_(Execution.lease_until.is_(None), Execution.lease_until <= now),
    )


def _sendable(unit: Unit, execution: Execution, device: DeviceFacts, authors: Authors) -> bool:
    around = surroundings_of(device, execution.job, unit.now(), unit.settings)
    if not may_send(standing_of(execution, execution.job), around):
        return False
    if execution.cancel_requested_at is not None:
        return True
    why = kind_of(execution.job).held(unit, execution.job)
    if why is None and execution.handed_at is not None:
        return True  # sent again: nothing more is given than the device was given before
    if execution.job.cancel_requested_at is not None:
        return False  # the pass over the job cancels it
    if why is None and not authors.may_run(execution.job, device.group_path):
        why = lost_text(execution.job, f"the group of {device.device_id}")
    if why is None:
        return True
    job = lock_job(unit.session, execution.job_id, skip_locked=True)
    if job is not None and job.state == JobState.IN_PROGRESS:
        pause(unit, job, why)
    return False


def _messages(unit: Unit, executions: list[Execution]) -> Iterator[tuple[Execution, Message]]:
    """Give each with what to publish, in their order; each kind is asked once."""
    by_kind: dict[str, list[Execution]] = {}
    for one in executions:
        by_kind.setdefault(one.job.kind, []).append(one)
    found: dict[str, Message] = {}
    for name, some in by_kind.items():
        found |= KINDS[name].messages(unit, some)
    for one in executions:
        yield one, found[one.id]


def _claim(
    unit: Unit, execution: Execution, message: Message, device: DeviceFacts, owner: str
) -> Parcel:
    decision = rules.hand_over(standing_of(execution, execution.job), unit.now())
    for name, value in decision.changes.items():
        setattr(execution, name, value)
    execution.lease_owner = owner
    # due_at moves with the lease: whoever sets it meanwhile (a hello) is seen when it is marked.
    execution.due_at = execution.lease_until = unit.now() + unit.settings.dispatch_lease_s * 1000
    address = device.gateway_id or device.device_id
    child = device.device_id if device.gateway_id else None
    topic = down(address, kind_of(execution.job).channel, child)
    return Parcel(execution.id, topic, encode(message), device.qos)


def _mark(unit: Unit, execution: Execution, device: DeviceFacts, owner: str) -> None:
    if execution.ended_at is not None:
        return
    standing = standing_of(execution, execution.job)
    if execution.lease_owner == owner:
        if execution.due_at == execution.lease_until:
            around = surroundings_of(device, execution.job, unit.now(), unit.settings)
            execution.due_at = due_after_sending(standing, around)
        execution.lease_owner = execution.lease_until = None
    decision = rules.sent(standing, unit.now())
    if decision.changes:
        store(unit, execution, decision, device, actor=ACTOR)
    else:
        refresh_block(unit, execution, device)
