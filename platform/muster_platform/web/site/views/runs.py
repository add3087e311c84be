"""Executions as pages show them."""

import json
from dataclasses import dataclass
from typing import Any

from muster_platform.jobs.kinds import KINDS, CommandKind
from muster_platform.jobs.retries import RETRIED
from muster_platform.jobs.views import ExecutionView
from muster_platform.web.site import words
from muster_protocol.states import EXECUTION_TERMINAL, ExecutionState

USUAL = frozenset({"in_progress", "not_started", "waiting_for_inventory"})
"""Codes that say how it goes, and not what is in the way."""
ON_THE_WAY = frozenset({"waiting_for_dispatch", "waiting_for_broker", "not_delivered"})
"""Codes that every execution passes; they are in the way only when they last."""
PATIENCE_MS = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One attempt on one device, as a list shows it.

    Attributes:
        at: the last thing that happened, ms since the epoch.
        blocked: what is in its way, as a sentence, "" for nothing.
        step: in words; "" once it succeeded, for then the step says nothing more.
        is_update: its job is a rollout.
        permission: what canceling and retrying it needs.
    """

    id: str
    job_id: str
    device_id: str
    device_name: str
    name: str
    permission: str
    args: str
    attempt: int
    state: str
    at: int
    is_open: bool
    can_retry: bool
    step: str
    is_update: bool
    progress: float | None
    message: str
    result: str
    error: str
    blocked: str
    blocked_since: int | None
    cancel_requested_at: int | None
    contradiction: str | None


def run(view: ExecutionView, now: int) -> Run:
    """Prepare one execution as it stands now (ms since the epoch)."""
    is_open = view.state not in EXECUTION_TERMINAL
    is_held = is_open and holds(view.blocked_by, view.blocked_since, now)
    return Run(
        id=view.id,
        job_id=view.job_id,
        device_id=view.device_id,
        device_name=view.device_name,
        name=view.name if view.kind == CommandKind.name else f"Update to {view.title}",
        permission=str(KINDS[view.kind].run),
        args=compact(view.args),
        attempt=view.attempt,
        state=view.state,
        at=view.ended_at or view.heard_at or view.sent_at or view.queued_at,
        is_open=is_open,
        can_retry=view.state in RETRIED,
        step="" if view.state == ExecutionState.SUCCEEDED else words.step(view.step),
        is_update=view.kind != CommandKind.name,
        progress=view.progress,
        message=view.message,
        result=pretty(view.result) if view.result else "",
        error=": ".join(part for part in (view.error_code, view.error_message) if part),
        blocked=view.blocked_text if is_held else "",
        blocked_since=view.blocked_since if is_held else None,
        cancel_requested_at=view.cancel_requested_at,
        contradiction=view.contradiction,
    )


def holds(code: str | None, since: int | None, now: int) -> bool:
    """Say whether a `blocked_by` that applies since then is worth a reader's while now."""
    if code is None or code in USUAL:
        return False
    return code not in ON_THE_WAY or now - (since or now) > PATIENCE_MS


def compact(value: Any) -> str:
    """Write a JSON value on one line, "" for an empty one."""
    return json.dumps(value, ensure_ascii=False) if value else ""


def pretty(value: Any) -> str:
    """Write a JSON value for reading."""
    return json.dumps(value, ensure_ascii=False, indent=2)
