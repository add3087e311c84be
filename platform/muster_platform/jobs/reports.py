"""Takes a device's report: a claim about one of its own executions."""

from enum import StrEnum

from muster_platform.db.text import clean, clean_json
from muster_platform.devices.models import Device
from muster_platform.jobs import advance as passes
from muster_platform.jobs import rules
from muster_platform.jobs.facts import facts_of, standing_of
from muster_platform.jobs.kinds import kind_of
from muster_platform.jobs.models import Execution
from muster_platform.jobs.moves import store
from muster_platform.jobs.rows import lock_execution, settle
from muster_platform.unit import Unit
from muster_protocol.messages import Report
from muster_protocol.states import EXECUTION_TERMINAL, ExecutionState

FOREIGN_EXECUTION = "foreign_execution"
"""Reason of quarantine for a report that `apply_report` refused."""

STEP_CHARS = 128


class Outcome(StrEnum):
    """What became of a report.

    FOREIGN: the execution is unknown or another device's; nothing was changed, the caller puts
    the message into quarantine with the reason FOREIGN_EXECUTION.
    """

    MOVED = "moved"
    NOTED = "noted"
    FOREIGN = "foreign"


def apply_report(unit: Unit, device: Device, report: Report, received_at: int) -> Outcome:
    """Apply a device's claim, inside the transaction that stores its message.

    Args:
        received_at: ms since the epoch.
    """
    execution = lock_execution(unit.session, report.execution)
    if execution is None or execution.device_key != device.id:
        return Outcome.FOREIGN
    standing = standing_of(execution, execution.job)
    decision = kind_of(execution.job).claim(unit, execution, standing, report.state, received_at)
    before = execution.state
    news = _take_details(execution, report)
    if news and not decision.telling and before == decision.to:
        decision = rules.Decision(decision.to, decision.changes, telling=True)
    store(
        *(unit, execution, decision, facts_of(device)),
        actor=device.device_id,
        message=report.message,
        data=_data(report),
    )
    ended = execution.state != before and execution.ended_at is not None
    if ended and (job := settle(unit.session, execution)):
        passes.advance(unit, job)
    return Outcome.MOVED if execution.state != before else Outcome.NOTED


def _take_details(execution: Execution, report: Report) -> bool:
    """Keep step, progress and results of an execution that has not ended.

    Returns:
        Whether its step changed: that is told in the history, mere progress is not.
    """
    if execution.ended_at is not None or report.state is ExecutionState.DELIVERED:
        return False
    step = clean(report.step)[:STEP_CHARS]
    changed = bool(step) and step != execution.step
    execution.step = step or execution.step
    if report.progress is not None:
        execution.progress = report.progress
    if report.message or report.state in EXECUTION_TERMINAL:
        execution.message = clean(report.message)  # "75 % done" is no word on how it ended
    if report.result:
        execution.result = clean_json(report.result)
    if report.error is not None:
        execution.error_code = clean(report.error.code)
        execution.error_message = clean(report.error.message)
    return changed


def _data(report: Report) -> dict[str, object]:
    data: dict[str, object] = {"claimed": str(report.state)}
    if report.step:
        data["step"] = report.step
    if report.progress is not None:
        data["progress"] = report.progress
    if report.error is not None:
        data["error"] = {"code": report.error.code, "message": report.error.message}
    if report.ts is not None:
        data["ts_device"] = report.ts
    return data
