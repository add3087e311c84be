"""What is shown of jobs and executions outside: frozen, fully loaded."""

from dataclasses import dataclass
from typing import Any

from muster_platform.jobs.blocked import TEXTS
from muster_platform.jobs.models import Execution, ExecutionEvent, Job
from muster_protocol.states import EXECUTION_TERMINAL

_ENDED = frozenset(map(str, EXECUTION_TERMINAL))


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Limits of a job in seconds; None takes the installation's (settings execution_…).

    Attributes:
        queue_s: from QUEUED to SENT.
        delivery_s: until the device says it has it; also how long it may begin it.
        timeout_s: from DELIVERED to the end.
        step_timeout_s: silence while it works.
    """

    queue_s: int | None = None
    delivery_s: int | None = None
    timeout_s: int | None = None
    step_timeout_s: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Why:
    """The first thing that holds something back, or how it ended.

    Attributes:
        code: a key of blocked.TEXTS, the end's code, or the state in lower case.
        subject: device id or job title.
        since: ms since the epoch.
        text: one sentence for a person.
    """

    code: str
    subject: str
    since: int | None
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class JobView:
    """A job. Times are ms since the epoch; limits in seconds.

    Attributes:
        counts: {execution state: devices}, of the newest attempts.
        progress: share of devices whose newest attempt has ended, 0 to 1.
    """

    id: str
    kind: str
    title: str
    name: str
    args: dict[str, Any]
    target: dict[str, Any]
    group_path: str
    state: str
    reason: str
    author_name: str
    priority: int
    queue_s: int
    delivery_s: int
    timeout_s: int
    step_timeout_s: int
    device_count: int
    counts: dict[str, int]
    progress: float
    blocked_by: str | None
    blocked_subject: str
    blocked_since: int | None
    created_at: int
    ended_at: int | None
    cancel_requested_at: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionView:
    """One attempt on one device. Times are ms since the epoch; progress is 0 to 1."""

    id: str
    job_id: str
    device_id: str
    device_name: str
    name: str
    args: dict[str, Any]
    title: str
    attempt: int
    phase: int | None
    mode: str
    kind: str
    state: str
    queued_at: int
    sent_at: int | None
    delivered_at: int | None
    started_at: int | None
    heard_at: int | None
    ended_at: int | None
    expires_at: int
    limit_at: int | None
    step: str
    progress: float | None
    message: str
    result: dict[str, Any]
    error_code: str
    error_message: str
    blocked_by: str | None
    blocked_subject: str
    blocked_since: int | None
    blocked_text: str
    cancel_requested_at: int | None
    contradiction: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class EventView:
    """One line of an execution's history; `at` is ms since the epoch."""

    at: int
    from_state: str
    to_state: str
    actor: str
    message: str
    data: dict[str, Any]


def job_view(job: Job, counts: dict[str, int]) -> JobView:
    """Show a job with the counts of this moment."""
    ended = sum(n for state, n in counts.items() if state in _ENDED)
    return JobView(
        id=job.id,
        kind=job.kind,
        title=job.title,
        name=job.document.get("name", ""),
        args=job.document.get("args", {}),
        target=job.target,
        group_path=job.group_path,
        state=job.state,
        reason=job.reason,
        author_name=job.author_name,
        priority=job.priority,
        queue_s=job.queue_s,
        delivery_s=job.delivery_s,
        timeout_s=job.timeout_s,
        step_timeout_s=job.step_timeout_s,
        device_count=job.device_count,
        counts=counts,
        progress=ended / job.device_count if job.device_count else 1.0,
        blocked_by=job.blocked_by,
        blocked_subject=job.blocked_subject,
        blocked_since=job.blocked_since,
        created_at=job.created_at,
        ended_at=job.ended_at,
        cancel_requested_at=job.cancel_requested_at,
    )


def execution_view(execution: Execution, device_id: str, device_name: str) -> ExecutionView:
    """Show an execution."""
    job, text = execution.job, TEXTS.get(execution.blocked_by or "", "")
    return ExecutionView(
        id=execution.id,
        job_id=job.id,
        device_id=device_id,
        device_name=device_name,
        name=job.document.get("name", ""),
        args=job.document.get("args", {}),
        title=job.title,
        attempt=execution.attempt,
        phase=execution.phase,
        mode=execution.mode,
        kind=job.kind,
        state=execution.state,
        queued_at=execution.queued_at,
        sent_at=execution.sent_at,
        delivered_at=execution.delivered_at,
        started_at=execution.started_at,
        heard_at=execution.heard_at,
        ended_at=execution.ended_at,
        expires_at=execution.expires_at,
        limit_at=execution.limit_at,
        step=execution.step,
        progress=execution.progress,
        message=execution.message,
        result=execution.result,
        error_code=execution.error_code,
        error_message=execution.error_message,
        blocked_by=execution.blocked_by,
        blocked_subject=execution.blocked_subject,
        blocked_since=execution.blocked_since,
        blocked_text=text.format(subject=execution.blocked_subject),
        cancel_requested_at=execution.cancel_requested_at,
        contradiction=execution.contradiction,
    )


def event_view(event: ExecutionEvent) -> EventView:
    """Show a line of history."""
    return EventView(
        at=event.at,
        from_state=event.from_state,
        to_state=event.to_state,
        actor=event.actor,
        message=event.message,
        data=event.data,
    )
