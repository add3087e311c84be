"""Jobs: planned, made, looked at, paused, canceled, tried again."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, or_, select

from muster_platform.access import audit
from muster_platform.access.models import Group
from muster_platform.access.narrow import permitted
from muster_platform.access.permissions import Permission
from muster_platform.db.text import clean
from muster_platform.devices.models import Device
from muster_platform.errors import Conflict, InvalidInput, NotFound, PermissionDenied
from muster_platform.jobs import advance as passes
from muster_platform.jobs import create as making
from muster_platform.jobs import targets
from muster_platform.jobs.counting import counts_of
from muster_platform.jobs.executions import page_of_job
from muster_platform.jobs.kinds import kind_of, readable, require_any_read
from muster_platform.jobs.models import Execution, Job
from muster_platform.jobs.retries import RETRIED, retry_some
from muster_platform.jobs.rows import lock_job
from muster_platform.jobs.targets import Plan, Target
from muster_platform.jobs.views import ExecutionView, JobView, Limits, job_view
from muster_platform.paging import Key, Order, Page, PageRequest, fetch_page
from muster_platform.unit import Unit
from muster_protocol.ids import uuid7
from muster_protocol.states import ExecutionState, JobState

NO_LIMITS = Limits()


@dataclass(frozen=True, slots=True, kw_only=True)
class JobFilter:
    """Which jobs; empty and None do not narrow. Times are ms since the epoch, since included."""

    states: tuple[JobState, ...] = ()
    search: str = ""
    kind: str = ""
    author_id: str | None = None
    device_id: str | None = None
    since: int | None = None
    until: int | None = None


_NEWEST_FIRST: Order[Job] = Order(
    "jobs", (Key(Job.__table__.c.id, str, lambda row: row.id),), descending=True
)


class JobService:
    """What people do with jobs; every method checks its permission itself."""

    def __init__(self, unit: Unit) -> None:
        self._unit = unit

    def plan(self, target: Target | dict[str, Any], command: str) -> Plan:
        """Find out who a command would be for, and who not and why; changes nothing.

        Raises:
            InvalidInput: the target is not one.
            PermissionDenied: without commands:run anywhere.
            NotFound: no such group.
        """
        self._unit.actor.require_somewhere(Permission.COMMANDS_RUN)
        return targets.plan(self._unit, _target(target), command)

    def create_command(
        self,
        name: str,
        args: dict[str, Any] | None = None,
        *,
        target: Target | dict[str, Any],
        limits: Limits = NO_LIMITS,
        reason: str = "",
        title: str = "",
        job_id: str | None = None,
    ) -> Job:
        """Send a command to one device or many: a job with one execution each.

        Args:
            target: devices, a group (and those inside), or a tag, as they are now.
            job_id: chosen by a caller that may repeat the call: a job of that id is given back.

        Raises:
            InvalidInput: name, args, limits or target.
            NotFound: a named device or the group does not exist for this actor.
            PermissionDenied: commands:run is missing on the group of a named device, or of all.
            Conflict: nobody would get it, or the job_id is another job's.
        """
        unit, args, wanted = self._unit, args or {}, _target(target)
        making.check_command(unit, name, args)
        chosen = making.limits_of(unit, limits)
        if job_id is not None and (known := unit.session.get(Job, job_id)) is not None:
            return self._same(known, name, args)
        plan = self.plan(wanted, name)
        making.check_plan(plan, wanted)
        chosen |= making.profile_limits(unit, limits, plan)
        return making.make_job(
            *(unit, plan, wanted),
            job_id=job_id or uuid7(unit.now()),
            document={"name": name, "args": args},
            title=title or name,
            limits=chosen,
            reason=reason,
        )

    def get(self, job_id: str) -> JobView:
        """Look at a job.

        Raises:
            NotFound: no such job, or not for this actor's eyes.
        """
        job = self._visible(job_id)
        return job_view(job, counts_of(self._unit.session, [job.id])[job.id])

    def list(self, wanted: JobFilter, page: PageRequest) -> Page[JobView]:
        """List jobs, newest first.

        Raises:
            PermissionDenied: without commands:read anywhere.
            InvalidInput: the cursor does not fit.
        """
        require_any_read(self._unit.actor, wanted.kind)
        query = select(Job).where(self._seen(), *_conditions(wanted))
        most = self._unit.settings.page_size_max
        found = fetch_page(self._unit.session, query, _NEWEST_FIRST, page, most)
        counts = counts_of(self._unit.session, [job.id for job in found.items])
        return Page([job_view(job, counts[job.id]) for job in found.items], found.next_cursor)

    def executions(
        self, job_id: str, page: PageRequest, state: ExecutionState | None = None
    ) -> Page[ExecutionView]:
        """List the executions of a job on devices the actor may read.

        Raises:
            NotFound: no such job, or not for this actor's eyes.
        """
        return page_of_job(self._unit, self._visible(job_id).id, page, state)

    def cancel(self, job_id: str, reason: str = "") -> JobView:
        """Cancel what is open; asked twice is asked once.

        What was never handed to a broker ends at once; the rest when the device confirms, or by
        its ordinary limit.

        Raises:
            NotFound, PermissionDenied: as usual.
            Conflict: it was completed already.
        """
        job = self._locked(job_id)
        if job.state == JobState.COMPLETED:
            raise Conflict("the job has ended already; there is nothing left to cancel")
        if job.state != JobState.CANCELED and job.cancel_requested_at is None:
            job.cancel_requested_at, job.reason = self._unit.now(), clean(reason)
            self._audit("job.cancel", job, reason)
            passes.advance(self._unit, job)
        return self.get(job_id)

    def pause(self, job_id: str, reason: str = "") -> JobView:
        """Hand nothing more over until it is resumed.

        Raises:
            Conflict: it is not in progress.
        """
        job = self._locked(job_id)
        if job.state != JobState.IN_PROGRESS:
            raise Conflict(f"only a job in progress can be paused; this one is {job.state}")
        passes.pause(self._unit, job, clean(reason))
        self._audit("job.pause", job, reason)
        passes.tell(self._unit, job)
        return self.get(job_id)

    def resume(self, job_id: str, reason: str = "") -> JobView:
        """Go on after a pause.

        Raises:
            Conflict: it is not paused.
        """
        job = self._locked(job_id)
        if job.state != JobState.PAUSED:
            raise Conflict(f"only a paused job can be resumed; this one is {job.state}")
        passes.resume(self._unit, job, clean(reason))
        self._audit("job.resume", job, reason)
        passes.tell(self._unit, job)
        return self.get(job_id)

    def retry(
        self, job_id: str, states: Collection[ExecutionState] = RETRIED, reason: str = ""
    ) -> int:
        """Try again where the newest attempt ended in one of the states.

        Returns:
            How many new attempts there are.

        Raises:
            InvalidInput: a state that is not an unsuccessful end.
            Conflict: the job was canceled.
        """
        wrong = [state for state in states if state not in RETRIED]
        if wrong:
            raise InvalidInput(f"{wrong[0]} is not an end to be tried again", where="states")
        job = self._locked(job_id)
        number = len(retry_some(self._unit, job, states=states))
        if number:
            self._audit("job.retry", job, reason, {"states": sorted(states), "devices": number})
        return number

    def _same(self, job: Job, name: str, args: dict[str, Any]) -> Job:
        mine = (job.author_kind, job.author_id) == (self._unit.actor.kind, self._unit.actor.id)
        if mine and job.document == {"name": name, "args": args}:
            return job
        raise Conflict("this job id is already another job's", code="job_id_taken")

    def _seen(self) -> ColumnElement[bool]:
        mine = (Job.author_kind == self._unit.actor.kind) & (Job.author_id == self._unit.actor.id)
        return or_(readable(self._unit.actor, Job.group_path), mine)

    def _visible(self, job_id: str) -> Job:
        job = self._unit.session.scalars(
            select(Job).where(Job.id == job_id, self._seen())
        ).one_or_none()
        if job is None:
            raise NotFound("job", job_id)
        return job

    def _locked(self, job_id: str) -> Job:
        """Load and lock a job that the actor may act on: on every one of its devices' groups."""
        job = lock_job(self._unit.session, self._visible(job_id).id)
        if job is None:
            raise NotFound("job", job_id)
        self.require_everywhere(job)  # not by job.group_path: devices may have moved since
        return job

    def require_everywhere(self, job: Job) -> None:
        """Refuse who may not act on every device that it is for.

        Raises:
            PermissionDenied: naming the permission and a group.
        """
        kind = kind_of(job)
        run = kind.run
        missing = self._unit.session.execute(
            select(Group.name, Group.path)
            .join(Device, Device.group_id == Group.id)
            .where(
                Device.id.in_(kind.devices(job)),
                Device.deleted_at.is_(None),
                ~permitted(self._unit.actor, run),
            )
            .limit(1)
        ).first()
        if missing is not None:
            # A device that moved away may be in a group that the actor must not know of.
            known = self._unit.actor.may(Permission.GROUPS_READ, missing.path)
            raise PermissionDenied(run, missing.name if known else "another group")

    def _audit(self, action: str, job: Job, reason: str, after: Any = None) -> None:
        audit.record(
            *(self._unit, action, "job", job.id, job.title),
            after=after,
            reason=reason or None,
        )


def _target(given: Target | dict[str, Any]) -> Target:
    return given if isinstance(given, Target) else Target.parse(given)


def _conditions(wanted: JobFilter) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if wanted.states:
        found.append(Job.state.in_([str(state) for state in wanted.states]))
    if wanted.kind:
        found.append(Job.kind == wanted.kind)
    if wanted.search:
        found.append(Job.title.icontains(wanted.search, autoescape=True))
    if wanted.author_id is not None:
        found.append(Job.author_id == wanted.author_id)
    if wanted.device_id is not None:
        on_device = (
            select(Execution.job_id)
            .join(Device, Device.id == Execution.device_key)
            .where(Device.device_id == wanted.device_id, Device.deleted_at.is_(None))
        )
        found.append(Job.id.in_(on_device))
    if wanted.since is not None:
        found.append(Job.created_at >= wanted.since)
    if wanted.until is not None:
        found.append(Job.created_at < wanted.until)
    return found
