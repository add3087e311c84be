"""Executions: looked at, explained, canceled and tried again, one at a time."""

from collections.abc import Collection
from typing import Any

from sqlalchemy import ColumnElement, or_, select

from muster_platform.access import audit
from muster_platform.access.models import Group
from muster_platform.access.permissions import Permission
from muster_platform.devices.find import find_device, live_device, visible
from muster_platform.devices.models import Device
from muster_platform.errors import Conflict, NotFound, PermissionDenied
from muster_platform.jobs import advance as passes
from muster_platform.jobs.blocked import blocked_by
from muster_platform.jobs.cancels import cancel_one
from muster_platform.jobs.facts import load_facts, standing_of, surroundings_of
from muster_platform.jobs.kinds import KINDS, kind_of, readable, require_any_read
from muster_platform.jobs.models import Execution, ExecutionEvent, Job
from muster_platform.jobs.retries import RETRIED, retry_some
from muster_platform.jobs.rows import lock_execution, lock_job, settle
from muster_platform.jobs.views import EventView, ExecutionView, Why, event_view, execution_view
from muster_platform.paging import Key, Order, Page, PageRequest, fetch_page
from muster_platform.unit import Unit
from muster_protocol.states import EXECUTION_TERMINAL, ExecutionState

_ID: Key[Execution] = Key(Execution.__table__.c.id, str, lambda row: row.id)
_FAILED = tuple(
    str(state)
    for state in (
        ExecutionState.FAILED,
        ExecutionState.REJECTED,
        ExecutionState.TIMED_OUT,
        ExecutionState.EXPIRED,
    )
)
_OLDEST_FIRST: Order[Execution] = Order("executions", (_ID,))
_NEWEST_FIRST: Order[Execution] = Order("device_executions", (_ID,), descending=True)


class ExecutionService:
    """What people do with single executions; every method checks its permission itself."""

    def __init__(self, unit: Unit) -> None:
        self._unit = unit

    def get(self, execution_id: str) -> ExecutionView:
        """Look at one.

        Raises:
            NotFound: no such execution, or its device is not for this actor's eyes.
        """
        execution, device = self._visible(execution_id)
        return execution_view(execution, device.device_id, device.display_name)

    def of_device(
        self, device_id: str, page: PageRequest, state: ExecutionState | None = None
    ) -> Page[ExecutionView]:
        """List the executions of a device, newest first.

        Raises:
            NotFound: no such device, or not for this actor's eyes.
            PermissionDenied: without commands:read on its group.
        """
        device = find_device(self._unit, device_id, _any_read(self._unit, device_id))
        return _page(self._unit, Execution.device_key == device.id, page, state, _NEWEST_FIRST)

    def troubles(self, since: int, held_by: Collection[str], size: int) -> list[ExecutionView]:
        """List what failed since then and what is held back now, on all devices, newest first.

        Args:
            since: ms since the epoch.
            held_by: codes of blocked_by that count.
            size: most rows.

        Raises:
            PermissionDenied: without commands:read anywhere.
        """
        require_any_read(self._unit.actor)
        failed = Execution.state.in_(_FAILED) & (Execution.ended_at >= since)
        held = Execution.ended_at.is_(None) & Execution.blocked_by.in_(held_by)
        query = _narrowed(self._unit, or_(failed, held)).order_by(_ID.column.desc()).limit(size)
        return [
            execution_view(execution, device.device_id, device.display_name)
            for execution, device in self._unit.session.execute(query).unique()
        ]

    def events(self, execution_id: str) -> list[EventView]:
        """Give its whole history, oldest first."""
        execution, _ = self._visible(execution_id)
        rows = self._unit.session.scalars(
            select(ExecutionEvent)
            .where(ExecutionEvent.execution_id == execution.id)
            .order_by(ExecutionEvent.id)
        )
        return [event_view(row) for row in rows]

    def why(self, execution_id: str) -> Why:
        """Say what holds it back at this moment, or how it ended."""
        execution, device = self._visible(execution_id)
        standing = standing_of(execution, execution.job)
        facts = load_facts(self._unit.session, [device.id])[device.id]
        around = surroundings_of(facts, execution.job, self._unit.now(), self._unit.settings)
        block = blocked_by(standing, around)
        if block is not None:
            return Why(code=block.code, subject=block.subject, since=block.since, text=block.text)
        text = f"It ended as {execution.state}"
        for part in (execution.error_message or execution.message, execution.contradiction):
            text = f"{text}: {part}" if part else text
        return Why(
            code=execution.error_code or execution.state.lower(),
            subject=device.device_id,
            since=execution.ended_at,
            text=f"{text.rstrip('.')}.",
        )

    def cancel(self, execution_id: str, reason: str = "") -> ExecutionView:
        """Cancel one; asked twice is asked once.

        Raises:
            Conflict: it has ended.
        """
        unit = self._unit
        execution, device = self._locked(execution_id)
        if execution.state in EXECUTION_TERMINAL:
            raise Conflict(f"it has ended as {execution.state} already")
        if execution.cancel_requested_at is None:
            facts = load_facts(unit.session, [device.id])[device.id]
            cancel_one(unit, execution, facts, unit.actor.name)
            self._audit("execution.cancel", execution, device, reason)
            if job := settle(unit.session, execution):
                passes.advance(unit, job)
        return execution_view(execution, device.device_id, device.display_name)

    def retry(self, execution_id: str, reason: str = "") -> ExecutionView:
        """Try again: a new execution with the next attempt.

        Raises:
            Conflict: it has not ended unsuccessfully, or is not the newest attempt, or the
                device cannot take it.
        """
        unit = self._unit
        execution, device = self._locked(execution_id)
        if execution.state not in RETRIED:
            raise Conflict(f"only an unsuccessful end is tried again; this is {execution.state}")
        job = lock_job(unit.session, execution.job_id)
        if job is None:
            raise NotFound("job", execution.job_id)
        ids = retry_some(unit, job, device_key=device.id)
        if not ids:
            raise Conflict("there is a newer attempt already, or the device is disabled")
        self._audit("execution.retry", execution, device, reason)
        return self.get(ids[0])

    def _visible(self, execution_id: str) -> tuple[Execution, Device]:
        query = _narrowed(self._unit, Execution.id == execution_id)
        row = self._unit.session.execute(query).first()
        if row is None:
            raise NotFound("execution", execution_id)
        return row[0], row[1]

    def _locked(self, execution_id: str) -> tuple[Execution, Device]:
        _, device = self._visible(execution_id)
        execution = lock_execution(self._unit.session, execution_id)
        if execution is None:
            raise NotFound("execution", execution_id)
        run = kind_of(execution.job).run
        if not self._unit.actor.may(run, device.group.path):
            raise PermissionDenied(run, device.group.name, device.group.path)
        return execution, device

    def _audit(self, action: str, execution: Execution, device: Device, reason: str) -> None:
        audit.record(
            *(self._unit, action, "execution", execution.id, execution.job.title),
            after={"device": device.device_id, "attempt": execution.attempt},
            reason=reason or None,
            device_key=device.id,
        )


def _any_read(unit: Unit, device_id: str) -> Permission:
    """Give a kind's permission to read that the actor has on the device; else the first."""
    device = live_device(unit.session, device_id)
    needed = [kind.read for kind in KINDS.values()]
    path = device.group.path if device is not None else None
    return next((item for item in needed if unit.actor.may(item, path)), needed[0])


def page_of_job(
    unit: Unit, job_id: str, page: PageRequest, state: ExecutionState | None
) -> Page[ExecutionView]:
    """List executions of a job that the caller has found visible."""
    return _page(unit, Execution.job_id == job_id, page, state, _OLDEST_FIRST)


def _narrowed(unit: Unit, condition: ColumnElement[bool]) -> Any:
    query: Any = select(Execution, Device)
    return _seen(unit, query).where(condition)


def _seen(unit: Unit, query: Any) -> Any:
    """Narrow executions to devices that the actor may read, and to kinds of jobs it may there."""
    return (
        query.join(Device, Device.id == Execution.device_key)
        .join(Job, Job.id == Execution.job_id)
        .join(Group, Group.id == Device.group_id)
        .where(visible(unit.actor, Permission.DEVICES_READ), readable(unit.actor))
    )


def _page(
    unit: Unit,
    condition: ColumnElement[bool],
    page: PageRequest,
    state: ExecutionState | None,
    order: Order[Execution],
) -> Page[ExecutionView]:
    query = _seen(unit, select(Execution)).where(condition)
    if state is not None:
        query = query.where(Execution.state == str(state))
    found = fetch_page(unit.session, query, order, page, unit.settings.page_size_max)
    keys = {one.device_key for one in found.items}
    names = {
        key: (device_id, name)
        for key, device_id, name in unit.session.execute(
            select(Device.id, Device.device_id, Device.display_name).where(Device.id.in_(keys))
        )
    }
    views = [execution_view(one, *names[one.device_key]) for one in found.items]
    return Page(views, found.next_cursor)
