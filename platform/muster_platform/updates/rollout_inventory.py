"""The proof of updates: what a device's inventory makes of those that are open."""

from collections.abc import Mapping

from sqlalchemy import select

from muster_platform.devices.hooks import NoHooks
from muster_platform.jobs import advance as passes
from muster_platform.jobs.counting import ENDED
from muster_platform.jobs.facts import load_facts
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


class UpdateHooks(NoHooks):
    """Implements devices.hooks.DeviceHooks."""

    def on_inventory(
        self, unit: Unit, device_key: int, versions: Mapping[str, str], received_at: int
    ) -> None:
        """End what the inventory proves, and what it contradicts."""
        del received_at
        query = (
            select(Execution)
            .join(Job, Job.id == Execution.job_id)
            .where(
                Execution.device_key == device_key,
                Execution.state.not_in(ENDED),
                Job.kind == UPDATE,
            )
            .order_by(Execution.id)
            .with_for_update(of=Execution)
            .execution_options(populate_existing=True)
        )
        for execution in unit.session.scalars(query).all():
            _judge(unit, execution, versions)


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
    device = load_facts(unit.session, [execution.device_key])[execution.device_key]
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
