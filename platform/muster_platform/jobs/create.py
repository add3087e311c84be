"""Makes a job and its executions in one transaction: validated, planned, then written at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import insert

from muster_platform.access import audit
from muster_platform.access.groups import common_path
from muster_platform.access.permissions import Permission
from muster_platform.db.bulk import among, member
from muster_platform.db.text import clean, clean_json
from muster_platform.errors import Conflict, InvalidInput, NotFound, PermissionDenied
from muster_platform.jobs.blocked import Surroundings, blocked_by
from muster_platform.jobs.due import due_now
from muster_platform.jobs.limits import next_limit
from muster_platform.jobs.models import Execution, ExecutionEvent, Job
from muster_platform.jobs.rules import Standing
from muster_platform.jobs.targets import Included, Plan, Target
from muster_platform.jobs.views import Limits
from muster_platform.outbox import WAKE_DISPATCH, Live, Wake
from muster_platform.unit import Unit
from muster_protocol.codec import encode
from muster_protocol.commands import decode_args
from muster_protocol.ids import uuid7
from muster_protocol.messages import Action, Command
from muster_protocol.states import ExecutionState, JobState, PresenceState

LONGEST_S = 10 * 365 * 86_400
NAME_CHARS = 128
TITLE_CHARS = 256


@dataclass(frozen=True, slots=True)
class Recipient:
    """A device that gets an execution, and which attempt it is; see Execution."""

    device: Included
    attempt: int = 1
    phase: int | None = None
    mode: str = ""


def check_command(unit: Unit, name: str, args: dict[str, Any]) -> None:
    """Refuse what no device could read.

    Raises:
        InvalidInput: `where` names the field.
    """
    if not name or len(name) > NAME_CHARS or not name.isprintable():
        raise InvalidInput(f"a command's name has 1 to {NAME_CHARS} characters", where="name")
    if not isinstance(args, dict):
        raise InvalidInput("arguments are one JSON object", where="args")
    try:
        decode_args(name, args)
        size = len(encode(Command(action=Action.RUN, execution="x" * 36, name=name, args=args)))
    except msgspec.ValidationError as error:
        text, _, where = str(error).partition(" - at `$.")
        raise InvalidInput(text, where=f"args.{where.rstrip('`')}" if where else "args") from None
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidInput(f"arguments cannot be written as JSON: {error}", where="args") from None
    if size + 256 > unit.settings.payload_bytes:
        raise InvalidInput(
            f"the command has {size} bytes; a message takes {unit.settings.payload_bytes}",
            where="args",
        )


def limits_of(unit: Unit, limits: Limits) -> dict[str, int]:
    """Fill in the installation's limits.

    Raises:
        InvalidInput: one is not between a second and ten years.
    """
    chosen = {}
    for name in ("queue_s", "delivery_s", "timeout_s", "step_timeout_s"):
        given = getattr(limits, name)
        value = getattr(unit.settings, f"execution_{name}") if given is None else given
        if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= LONGEST_S:
            raise InvalidInput(f"{name} takes 1 to {LONGEST_S} seconds", where=f"limits.{name}")
        chosen[name] = value
    return chosen


def profile_limits(unit: Unit, limits: Limits, plan: Plan) -> dict[str, int]:
    """Give the limits that nobody chose and that profiles of these devices have a word about.

    A job has one set of limits: the longest of its profiles', so that none is cut short.
    """
    connection = unit.session.connection()
    keys = among(connection, [device.key for device in plan.included])
    rows = connection.exec_driver_sql(
        "SELECT p.command_queue_s, p.command_timeout_s, p.command_step_timeout_s"  # noqa: S608
        " FROM profiles p WHERE p.id IN (SELECT d.profile_id FROM devices d"
        f" WHERE {member(connection, 'd.id')})",
        (keys,),
    ).all()
    chosen = {}
    for index, name in enumerate(("queue_s", "timeout_s", "step_timeout_s")):
        default = getattr(unit.settings, f"execution_{name}")
        if getattr(limits, name) is None and rows:
            chosen[name] = max(default if row[index] is None else row[index] for row in rows)
    return chosen


def check_plan(plan: Plan, target: Target) -> None:
    """Refuse a plan that is not what its author asked for, or that is empty.

    Devices named one by one must exist and be allowed; a group or tag leaves out what does not
    fit. What is left out is on the plan.

    Raises:
        NotFound: a named device does not exist (for this actor).
        PermissionDenied: naming the group of a device.
        Conflict: nobody is left; the text says why.
    """
    by_code: dict[str, list[str]] = {}
    for one in plan.excluded:
        by_code.setdefault(one.code, []).append(one.device_id)
        if target.devices and one.code == "unknown":
            raise NotFound("device", one.device_id)
        if one.code == "no_permission" and (target.devices or not plan.included):
            raise PermissionDenied(Permission.COMMANDS_RUN, one.group)
    if plan.included:
        return
    first = plan.excluded[0] if plan.excluded else None
    why = f"{first.device_id}: {first.why}" if first else "no device matches the target"
    counts = {code: len(devices) for code, devices in by_code.items()}
    raise Conflict(f"nobody would get it; {why}", code="nobody_included", excluded=counts)


def make_job(
    unit: Unit,
    plan: Plan,
    target: Target,
    *,
    job_id: str,
    document: dict[str, Any],
    title: str,
    limits: dict[str, int],
    reason: str,
) -> Job:
    """Write job, executions, events and audit entry."""
    job = Job(
        id=job_id,
        kind="command",
        title=clean(title)[:TITLE_CHARS],
        document=clean_json(document),
        target=clean_json(target.document()),
        group_path=common_path(device.group_path for device in plan.included),
        state=JobState.IN_PROGRESS,
        reason=clean(reason),
        author_kind=unit.actor.kind,
        author_id=unit.actor.id,
        author_name=unit.actor.name,
        priority=0,
        device_count=len(plan.included),
        counts={str(ExecutionState.QUEUED): len(plan.included)},
        created_at=unit.now(),
        **limits,
    )
    unit.session.add(job)
    unit.session.flush()
    add_executions(unit, job, [Recipient(device) for device in plan.included])
    only = plan.included[0] if len(plan.included) == 1 else None
    after = {"name": job.document["name"], "target": job.target, "devices": job.device_count}
    audit.record(
        *(unit, "command.create", "job", job.id, job.title),
        after=after | {"limits": limits},
        reason=reason or None,
        device_key=only.key if only else None,
    )
    return job


def add_executions(unit: Unit, job: Job, recipients: Sequence[Recipient]) -> list[str]:
    """Write one QUEUED execution per recipient; give their ids."""
    now = unit.now()
    standing = Standing(
        state=ExecutionState.QUEUED,
        queued_at=now,
        expires_at=now + job.delivery_s * 1000,
        queue_s=job.queue_s,
        timeout_s=job.timeout_s,
        step_timeout_s=job.step_timeout_s,
    )
    rows, events = [], []
    for recipient in recipients:
        row = _row(job, recipient, standing)
        rows.append(row)
        events.append(
            {
                "execution_id": row["id"],
                "device_key": row["device_key"],
                "at": now,
                "from_state": "",
                "to_state": row["state"],
                "actor": unit.actor.name,
                "message": "",
                "data": {"attempt": recipient.attempt},
            }
        )
        _tell(unit, job, recipient, row)
    unit.session.execute(insert(Execution), rows)
    unit.session.execute(insert(ExecutionEvent), events)
    unit.outbox.add(Wake(WAKE_DISPATCH))
    return [row["id"] for row in rows]


def _row(job: Job, recipient: Recipient, standing: Standing) -> dict[str, Any]:
    device = recipient.device
    around = Surroundings(
        device_id=device.device_id,
        plain=device.plain,
        disabled_at=None,
        presence=PresenceState(device.presence),
        presence_since=device.presence_since,
        job_title=job.title,
        job_state=JobState(job.state),
        job_since=job.created_at,
        now=standing.queued_at,
    )
    block = blocked_by(standing, around)
    return {
        "id": uuid7(standing.queued_at),
        "job_id": job.id,
        "device_key": device.key,
        "attempt": recipient.attempt,
        "phase": recipient.phase,
        "mode": recipient.mode,
        "state": str(standing.state),
        "queued_at": standing.queued_at,
        "expires_at": standing.expires_at,
        "limit_at": next_limit(standing),
        "due_at": due_now(standing, around),
        "step": "",
        "message": "",
        "result": {},
        "error_code": "",
        "error_message": "",
        "blocked_by": block.code if block else None,
        "blocked_subject": block.subject if block else "",
        "blocked_since": block.since if block else None,
    }


def _tell(unit: Unit, job: Job, recipient: Recipient, row: dict[str, Any]) -> None:
    """Only the device's page: nobody looks at the page of a job that is just being made."""
    device = recipient.device
    data = {
        "execution": row["id"],
        "job": job.id,
        "device": device.device_id,
        "name": job.document.get("name", ""),
        "title": job.title,
        "attempt": recipient.attempt,
        "state": row["state"],
        "blocked_by": row["blocked_by"],
        "at": row["queued_at"],
    }
    unit.outbox.add(Live(f"device:{device.key}", "execution", device.group_path, data))
