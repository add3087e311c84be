"""Stores what the rules decided: the row, its event, and the word to the browsers."""

from typing import Any

from muster_platform.db.text import clean, clean_json
from muster_platform.jobs.blocked import blocked_by
from muster_platform.jobs.due import awaited
from muster_platform.jobs.facts import DeviceFacts, standing_of, surroundings_of
from muster_platform.jobs.limits import next_limit
from muster_platform.jobs.models import Execution, ExecutionEvent, Job
from muster_platform.jobs.rules import Decision, Standing, follow
from muster_platform.outbox import WAKE_JOBS, Live, Wake
from muster_platform.unit import Unit


def store(
    unit: Unit,
    execution: Execution,
    decision: Decision,
    device: DeviceFacts,
    *,
    actor: str,
    message: str = "",
    data: dict[str, Any] | None = None,
) -> Standing:
    """Apply a decision to its row, with the event that tells of it.

    The caller holds the row's lock and has set what is not a matter of rules (step, progress,
    result) before.

    Args:
        actor: who or what: a person, `device`, `dispatch`, `limits`.
        message: of the event, where the decision has no note.
        data: further facts of the event.
    """
    before = execution.state
    standing = follow(standing_of(execution, execution.job), decision)
    execution.state = str(decision.to)
    for name, value in decision.changes.items():
        setattr(execution, name, value)
    if standing.ended and before != execution.state:
        _end(unit, execution, decision)
    if before != execution.state and not awaited(standing):
        execution.due_at = None  # the device has it: nothing is to be sent again
    execution.limit_at = next_limit(standing)
    refresh_block(unit, execution, device, standing)
    if decision.telling:
        unit.session.add(
            ExecutionEvent(
                execution_id=execution.id,
                device_key=execution.device_key,
                at=unit.now(),
                from_state=before,
                to_state=execution.state,
                actor=clean(actor),
                message=clean(decision.note or message),
                data=clean_json(data or {}) | ({"code": decision.code} if decision.code else {}),
            )
        )
    tell(unit, execution, device)
    return standing


def _end(unit: Unit, execution: Execution, decision: Decision) -> None:
    execution.due_at = None
    execution.lease_owner = execution.lease_until = None
    if decision.code and not execution.error_code:
        execution.error_code = decision.code
        execution.error_message = execution.error_message or decision.note
    unit.outbox.add(Wake(WAKE_JOBS))


def refresh_block(
    unit: Unit, execution: Execution, device: DeviceFacts, standing: Standing | None = None
) -> None:
    """Name again what holds the execution back."""
    standing = standing or standing_of(execution, execution.job)
    around = surroundings_of(device, execution.job, unit.now(), unit.settings)
    block = blocked_by(standing, around)
    if standing.ended and execution.error_code == "no_report":
        execution.blocked_by = "no_report"  # it stays the answer to "why?"
        return
    execution.blocked_by = block.code if block else None
    execution.blocked_subject = block.subject if block else ""
    execution.blocked_since = block.since if block else None


def tell(unit: Unit, execution: Execution, device: DeviceFacts) -> None:
    """Tell browsers on the device's and the job's page."""
    job: Job = execution.job
    data = {
        "execution": execution.id,
        "job": job.id,
        "device": device.device_id,
        "name": job.document.get("name", ""),
        "title": job.title,
        "attempt": execution.attempt,
        "state": execution.state,
        "step": execution.step,
        "progress": execution.progress,
        "message": execution.message[:256],
        "blocked_by": execution.blocked_by,
        "at": unit.now(),
    }
    unit.outbox.add(Live(f"device:{device.key}", "execution", device.group_path, data))
    unit.outbox.add(Live(f"job:{job.id}", "execution", device.group_path, data))
