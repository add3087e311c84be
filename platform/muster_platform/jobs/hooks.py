"""What the job engine does when something happens to a device."""

from collections.abc import Sequence

from sqlalchemy import Update, func, literal, select, update

from muster_platform.devices.hooks import NoHooks
from muster_platform.jobs import advance as passes
from muster_platform.jobs import rules
from muster_platform.jobs.counting import ENDED
from muster_platform.jobs.facts import load_facts, standing_of
from muster_platform.jobs.models import Execution, Job
from muster_platform.jobs.moves import refresh_block, store
from muster_platform.jobs.rows import settle
from muster_platform.outbox import WAKE_DISPATCH, Wake
from muster_platform.unit import Unit
from muster_protocol.states import ExecutionState

_AWAITED = (str(ExecutionState.QUEUED), str(ExecutionState.SENT))


class JobGroupHooks:
    """Implements access.groups.GroupHooks: who may see a job follows its group."""

    def on_group_moved(self, unit: Unit, old_path: str, new_path: str) -> None:
        """Rewrite the paths of jobs inside the group."""
        rest = func.substr(Job.group_path, len(old_path) + 1)
        unit.session.execute(
            update(Job)
            .where(Job.group_path.startswith(old_path, autoescape=True))
            .values(group_path=literal(new_path) + rest)
            .execution_options(synchronize_session=False)
        )


class JobHooks(NoHooks):
    """Implements devices.hooks.DeviceHooks; runs in the transaction of the caller."""

    def on_hello(self, unit: Unit, device_key: int, running: Sequence[str]) -> None:
        """Send everything open again, but for what the device says it is working on.

        A cancel is sent again for those too. Whether a paused job holds it back is dispatch's
        to see.
        """
        open_ones = update(Execution).where(
            Execution.device_key == device_key, Execution.state.not_in(ENDED)
        )
        wanted = open_ones.where(
            Execution.id.not_in(list(running)) | Execution.cancel_requested_at.is_not(None)
        )
        self._due(unit, wanted if running else open_ones)

    def on_reachable(self, unit: Unit, device_key: int) -> None:
        """Send what waits for the device: not handed over, not confirmed, or to be canceled."""
        waiting = update(Execution).where(
            Execution.device_key == device_key,
            Execution.due_at.is_(None),
            Execution.state.in_(_AWAITED) | Execution.cancel_requested_at.is_not(None),
            Execution.state.not_in(ENDED),
        )
        self._due(unit, waiting)

    def on_unreachable(self, unit: Unit, device_key: int) -> None:
        """Send nothing until it is back, and say that this is why.

        Rows that somebody else holds are passed over: dispatch parks what it cannot send.
        """
        executions = self._open(unit, device_key, skip_locked=True)
        facts = load_facts(unit.session, [device_key])
        for execution in executions:
            execution.due_at = None
            refresh_block(unit, execution, facts[device_key])

    def on_removed(self, unit: Unit, device_key: int) -> None:
        """End everything open as REMOVED."""
        facts = load_facts(unit.session, [device_key])
        for execution in self._open(unit, device_key):
            decision = rules.remove(standing_of(execution, execution.job), unit.now())
            store(unit, execution, decision, facts[device_key], actor=unit.actor.name)
            if job := settle(unit.session, execution):
                passes.advance(unit, job)

    def on_purge(self, unit: Unit, device_key: int, limit: int) -> int:  # noqa: ARG002
        """Keep everything: executions are the history of their jobs."""
        return 0

    def _due(self, unit: Unit, statement: Update) -> None:
        changed = unit.session.scalars(
            statement.values(due_at=unit.now()).returning(Execution.id),
            execution_options={"synchronize_session": False},
        ).all()
        if changed:
            unit.outbox.add(Wake(WAKE_DISPATCH))

    def _open(self, unit: Unit, device_key: int, *, skip_locked: bool = False) -> list[Execution]:
        unit.session.flush()
        query = (
            select(Execution)
            .where(Execution.device_key == device_key, Execution.state.not_in(ENDED))
            .order_by(Execution.id)
            .with_for_update(of=Execution, skip_locked=skip_locked)
            .execution_options(populate_existing=True)
        )
        return list(unit.session.scalars(query))
