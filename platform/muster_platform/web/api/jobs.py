"""Commands: planned, sent as jobs, followed, stopped, tried again."""

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from muster_platform.access.permissions import Permission
from muster_platform.devices.selection import filter_document
from muster_platform.errors import Conflict, NotFound
from muster_platform.jobs.service import JobFilter, JobService
from muster_platform.jobs.targets import Plan
from muster_platform.jobs.views import ExecutionView, JobView, Limits
from muster_platform.unit import Unit
from muster_platform.web.api.common import (
    DeviceId,
    Input,
    Key,
    Listed,
    Millis,
    Name,
    PageQuery,
    Reason,
    Seconds,
    listed,
)
from muster_platform.web.api.device_selection import DeviceSelection
from muster_platform.web.api.routing import Routes
from muster_protocol.states import ExecutionState, JobState

routes = Routes("Commands and jobs")

JOB_BODY_BYTES = 16 * 1024 * 1024
"""A job may name 100,000 devices."""
PLAN_SHOWN = 500
"""Devices listed in a plan; the counts are always of all."""

Args = dict[str, Any]


class TagTarget(Input, kw_only=True):
    """Devices with a tag; a value of null means any."""

    name: Name
    value: Annotated[str, Meta(max_length=128)] | None = None


class JobTarget(Input, omit_defaults=True, kw_only=True):
    """Who it is for: exactly one of device ids, a group (and those inside), a tag, a filter."""

    devices: Annotated[list[DeviceId], Meta(min_length=1)] | None = None
    group: Key | None = None
    tag: TagTarget | None = None
    filter: DeviceSelection | None = None

    def document(self) -> dict[str, Any]:
        """Give it as the job service reads it."""
        plain: dict[str, Any] = msgspec.to_builtins(self)
        if self.filter is not None:
            plain["filter"] = filter_document(self.filter.filter())
        return plain


class JobLimits(Input, kw_only=True):
    """Limits in seconds; null takes the installation's.

    Attributes:
        queue_s: until it is handed to the broker.
        delivery_s: until the device says it has it.
        timeout_s: from there to the end.
        step_timeout_s: silence while it works.
    """

    queue_s: Seconds | None = None
    delivery_s: Seconds | None = None
    timeout_s: Seconds | None = None
    step_timeout_s: Seconds | None = None

    def limits(self) -> Limits:
        """Give them as the job service takes them."""
        return Limits(**msgspec.structs.asdict(self))


class DeviceCommand(Input, kw_only=True):
    """A command for one device.

    Attributes:
        args: one JSON object, as the command defines it.
        title: what people see; the command's name when empty.
    """

    name: Name
    args: Args = {}
    limits: JobLimits = msgspec.field(default_factory=JobLimits)
    reason: Reason = ""
    title: Annotated[str, Meta(max_length=256)] = ""


class NewCommand(DeviceCommand, kw_only=True):
    """A command for several devices."""

    target: JobTarget


class PlanRequest(Input, kw_only=True):
    """What a command would be: its name and who it is for."""

    name: Name
    target: JobTarget


class PlannedDevice(msgspec.Struct, kw_only=True):
    """A device that is in."""

    device_id: str
    display_name: str
    presence: str


class LeftOut(msgspec.Struct, kw_only=True):
    """A device that is out, and why: a code and its text."""

    device_id: str
    code: str
    why: str


class PlanAnswer(msgspec.Struct, kw_only=True):
    """Who is in, who is out and why; the lists hold the first 500 each."""

    included_count: int
    excluded_count: int
    excluded_by_code: dict[str, int]
    included: list[PlannedDevice]
    excluded: list[LeftOut]


class JobQuery(PageQuery, kw_only=True):
    """Which jobs; `state` may be given several times."""

    state: list[JobState] = []
    search: Annotated[str, Meta(max_length=128)] = ""
    author_id: Annotated[str, Meta(max_length=64)] | None = None
    device_id: DeviceId | None = None
    since: Millis | None = None
    until: Millis | None = None


class ExecutionQuery(PageQuery, kw_only=True):
    """Which executions."""

    state: ExecutionState | None = None


class Because(Input, kw_only=True):
    """Why it is done, for the audit log."""

    reason: Reason = ""


class RetryRequest(Input, kw_only=True):
    """Which ends to try again; null means all unsuccessful ones."""

    states: list[ExecutionState] | None = None
    reason: Reason = ""


class RetryAnswer(msgspec.Struct, kw_only=True):
    """How many new attempts there are."""

    attempts: int


RUN = Permission.COMMANDS_RUN
READ = Permission.COMMANDS_READ


@routes.add("POST", "/commands/plan", permission=RUN, writes=False, body_bytes=JOB_BODY_BYTES)
def plan_command(unit: Unit, body: PlanRequest) -> PlanAnswer:
    """Say who a command would be for, who not and why. Changes nothing."""
    return _plan_answer(JobService(unit).plan(body.target.document(), body.name))


@routes.add(
    "POST",
    "/commands",
    permission=RUN,
    status=201,
    errors=(Conflict, NotFound),
    idempotent=True,
    body_bytes=JOB_BODY_BYTES,
)
def create_command(unit: Unit, body: NewCommand) -> JobView:
    """Send a command to one device or many: one job, one execution a device."""
    service = JobService(unit)
    job = service.create_command(
        body.name,
        body.args,
        target=body.target.document(),
        limits=body.limits.limits(),
        reason=body.reason,
        title=body.title,
    )
    return service.get(job.id)


@routes.add(
    "POST",
    "/devices/{device_id}/commands",
    permission=RUN,
    status=201,
    errors=(Conflict,),
    idempotent=True,
)
def send_command(unit: Unit, device_id: str, body: DeviceCommand) -> JobView:
    """Send a command to one device."""
    service = JobService(unit)
    job = service.create_command(
        body.name,
        body.args,
        target={"devices": [device_id]},
        limits=body.limits.limits(),
        reason=body.reason,
        title=body.title,
    )
    return service.get(job.id)


@routes.add("GET", "/jobs", permission=READ)
def list_jobs(unit: Unit, query: JobQuery) -> Listed[JobView]:
    """List jobs, newest first."""
    wanted = JobFilter(
        states=tuple(query.state),
        search=query.search,
        author_id=query.author_id,
        device_id=query.device_id,
        since=query.since,
        until=query.until,
    )
    return listed(JobService(unit).list(wanted, query.page()))


@routes.add("GET", "/jobs/{job_id}", permission=READ)
def get_job(unit: Unit, job_id: str) -> JobView:
    """Get a job with its progress."""
    return JobService(unit).get(job_id)


@routes.add("GET", "/jobs/{job_id}/executions", permission=READ)
def list_job_executions(unit: Unit, job_id: str, query: ExecutionQuery) -> Listed[ExecutionView]:
    """List the executions of a job, on the devices that you may read."""
    return listed(JobService(unit).executions(job_id, query.page(), query.state))


@routes.add("POST", "/jobs/{job_id}/cancel", permission=RUN, errors=(Conflict,))
def cancel_job(unit: Unit, job_id: str, body: Because) -> JobView:
    """Cancel what is open of a job."""
    return JobService(unit).cancel(job_id, body.reason)


@routes.add("POST", "/jobs/{job_id}/pause", permission=RUN, errors=(Conflict,))
def pause_job(unit: Unit, job_id: str, body: Because) -> JobView:
    """Hand nothing more over until the job is resumed."""
    return JobService(unit).pause(job_id, body.reason)


@routes.add("POST", "/jobs/{job_id}/resume", permission=RUN, errors=(Conflict,))
def resume_job(unit: Unit, job_id: str, body: Because) -> JobView:
    """Go on after a pause."""
    return JobService(unit).resume(job_id, body.reason)


@routes.add("POST", "/jobs/{job_id}/retry", permission=RUN, errors=(Conflict,), idempotent=True)
def retry_job(unit: Unit, job_id: str, body: RetryRequest) -> RetryAnswer:
    """Try again on the devices where the newest attempt ended unsuccessfully."""
    service = JobService(unit)
    if body.states is None:
        return RetryAnswer(attempts=service.retry(job_id, reason=body.reason))
    return RetryAnswer(attempts=service.retry(job_id, body.states, body.reason))


def _plan_answer(plan: Plan) -> PlanAnswer:
    by_code: dict[str, int] = {}
    for item in plan.excluded:
        by_code[item.code] = by_code.get(item.code, 0) + 1
    return PlanAnswer(
        included_count=len(plan.included),
        excluded_count=len(plan.excluded),
        excluded_by_code=by_code,
        included=[
            PlannedDevice(
                device_id=item.device_id, display_name=item.display_name, presence=item.presence
            )
            for item in plan.included[:PLAN_SHOWN]
        ],
        excluded=[
            LeftOut(device_id=item.device_id, code=item.code, why=item.why)
            for item in plan.excluded[:PLAN_SHOWN]
        ],
    )
