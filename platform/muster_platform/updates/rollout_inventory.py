"""The proof of updates: what a device's inventory makes of those that are open."""

from collections.abc import Collection, Mapping

from sqlalchemy import select
from sqlalchemy.orm import Session

from muster_platform.db.chunks import chunks
from muster_platform.devices.hooks import NoHooks
from muster_platform.devices.models import Device
from muster_platform.jobs import advance as passes
from muster_platform.jobs.counting import ENDED
from muster_platform.jobs.facts import facts_of
from muster_platform.jobs.models import Execution, Job
from muster_platform.jobs.moves import store
from muster_platform.jobs.rows import settle
from muster_platform.jobs.rules import Decision
from muster_platform.unit import Unit
from muster_platform.updates.rollout_plan import UPDATE
from muster_platform.updates.rollout_rules import inventory_says, shown_in
from muster_protocol.states import ExecutionState

E = ExecutionState
ACTOR = "inventory"
_OPEN = "open_updates"


class UpdateHooks(NoHooks):
    """Implements devices.hooks.DeviceHooks."""

    def on_inventory(
        self, unit: Unit, device_key: int, versions: Mapping[str, str], received_at: int
    ) -> None:
        """End what the inventory proves, and what it contradicts."""
        del received_at
        preload_updates(unit.session, [device_key])
        for execution in unit.session.info[_OPEN][device_key]:
            if execution.ended_at is None:
                _judge(unit, execution, versions)


def preload_updates(session: Session, device_keys: Collection[int]) -> None:
    """Load and lock the open updates of many devices at once; kept until the transaction ends."""
    known: dict[int, list[Execution]] = session.info.setdefault(_OPEN, {})
    wanted = sorted(set(device_keys) - known.keys())
    if wanted:
        session.flush()
    for part in chunks(wanted):
        known |= {key: [] for key in part}
        query = (
            select(Execution)
            .join(Job, Job.id == Execution.job_id)
            .where(
                Execution.device_key.in_(part), Execution.state.not_in(ENDED), Job.kind == UPDATE
            )
            .order_by(Execution.id)
            .with_for_update(of=Execution)
            .execution_options(populate_existing=True)
        )
        for execution in session.scalars(query):
            known[execution.device_key].append(execution)


def _judge(unit: Unit, execution: Execution, versions: Mapping[str, str]) -> None:
    wanted = execution.job.document["components"]
    state, shown = E(execution.state), shown_in(wanted, versions)
    handed = execution.handed_at is not None
    to, code = inventory_says(state, execution.mode, handed=handed, shown=shown)
    if to is state:
        return
    note = "its inventory shows it" if shown else _contradiction(wanted, versions)
    if shown:
        execution.progress = 1.0
    decision = Decision(to, {"ended_at": unit.now()}, code, note, True)
    device = facts_of(unit.session.get_one(Device, execution.device_key))
    store(unit, execution, decision, device, actor=ACTOR)
    if job := settle(unit.session, execution):
        passes.advance(unit, job)


def _contradiction(wanted: Mapping[str, str], versions: Mapping[str, str]) -> str:
    wrong = [
        f"{name} {versions.get(name, 'missing')} instead of {version}"
        for name, version in sorted(wanted.items())
        if versions.get(name) != version
    ]
    return f"the device said it was done; its inventory shows {', '.join(wrong[:5])}"
