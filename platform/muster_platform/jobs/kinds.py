"""What differs between kinds of jobs: one table, filled where the product is composed.

The engine (queue, reports, limits, cancels, retries) is the same for all of them. What a kind
says to a device, whose right it needs, when a claim is believed and when there is more to come
stands in its row here. `command` is always there; `update` is added by `bootstrap`.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar

from sqlalchemy import ColumnElement, SelectBase, and_, or_, select

from muster_platform.access.actor import Actor
from muster_platform.access.models import Group
from muster_platform.access.narrow import PathColumn, permitted
from muster_platform.access.permissions import Permission
from muster_platform.errors import PermissionDenied
from muster_platform.jobs import rules
from muster_platform.jobs.blocked import Block
from muster_platform.jobs.models import Execution, Job
from muster_platform.jobs.rules import Decision, Standing
from muster_platform.unit import Unit
from muster_protocol.messages import Action, Command, Message
from muster_protocol.states import ExecutionState


class Kind(ABC):
    """A kind of job; what is given here suits one that has nothing of its own.

    Attributes:
        name: as jobs store it.
        channel: what its messages go down on, and its reports come up on.
        read, run: permissions, on the group of each device.
    """

    name: ClassVar[str]
    channel: ClassVar[str]
    read: ClassVar[Permission]
    run: ClassVar[Permission]

    @abstractmethod
    def messages(self, unit: Unit, executions: Sequence[Execution]) -> dict[str, Message]:
        """Give what to publish, by execution id: run it, or cancel it where that was asked."""

    def devices(self, job: Job) -> SelectBase:
        """Select the keys of its devices: who acts on the job must be allowed to on each."""
        return select(Execution.device_key).where(Execution.job_id == job.id)

    def claim(
        self, unit: Unit, execution: Execution, standing: Standing, claimed: ExecutionState, at: int
    ) -> Decision:
        """Say what follows from a device's word, received at that time."""
        del unit, execution
        return rules.claim(standing, claimed, at)

    def held(self, unit: Unit, job: Job) -> str | None:
        """Say why nothing more of the job may be handed over; None: it may."""
        del unit, job
        return None

    def step(self, unit: Unit, job: Job) -> bool:
        """Take the kind's own step of a pass over a job in progress; say if more is to come."""
        del unit, job
        return False

    def resumed(self, unit: Unit, job: Job) -> None:
        """Act on a person's word to go on.

        Raises:
            Conflict: it cannot go on.
        """
        del unit, job

    def block(self, unit: Unit, job: Job) -> Block | None:
        """Name what holds the job itself back; None leaves it to its executions."""
        del unit, job
        return None


class CommandKind(Kind):
    """Commands."""

    name = "command"
    channel = "commands"
    read = Permission.COMMANDS_READ
    run = Permission.COMMANDS_RUN

    def messages(self, unit: Unit, executions: Sequence[Execution]) -> dict[str, Message]:
        """Give the commands."""
        del unit
        return {one.id: _command(one, one.job) for one in executions}


KINDS: dict[str, Kind] = {CommandKind.name: CommandKind()}


def register(kind: Kind) -> None:
    """Add a kind; the same name again replaces it."""
    KINDS[kind.name] = kind


def kind_of(job: Job) -> Kind:
    """Give the kind of a job."""
    return KINDS[job.kind]


def readable(actor: Actor, path: PathColumn = Group.path) -> ColumnElement[bool]:
    """Give the condition on Job and a group's path: the actor may read this kind there."""
    return or_(
        *(and_(Job.kind == kind.name, permitted(actor, kind.read, path)) for kind in KINDS.values())
    )


def require_any_read(actor: Actor, kind: str = "") -> None:
    """Refuse who may read no kind of job (or not this one) anywhere.

    Raises:
        PermissionDenied: naming the first that is missing.
    """
    wanted = [KINDS[kind]] if kind in KINDS else list(KINDS.values())
    if not any(actor.may_somewhere(one.read) for one in wanted):
        raise PermissionDenied(wanted[0].read, "any group")


def _command(execution: Execution, job: Job) -> Command:
    if execution.cancel_requested_at is not None:
        return Command(action=Action.CANCEL, execution=execution.id)
    return Command(
        action=Action.RUN,
        execution=execution.id,
        name=job.document["name"],
        args=job.document.get("args", {}),
        issued_at=execution.queued_at,
        expires_at=execution.expires_at,
        timeout_s=job.timeout_s,
        attempt=execution.attempt,
    )
