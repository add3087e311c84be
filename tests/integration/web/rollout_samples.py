"""A rollout that runs in two phases, and one that could be started."""

from typing import Any

from sqlalchemy import select, update

from muster_platform.devices.models import Device
from muster_platform.devices.service import DeviceService
from muster_platform.jobs.models import Execution
from muster_platform.jobs.targets import Target
from muster_platform.unit import Unit
from muster_platform.updates.rollout_plan import PhaseSpec, RolloutSpec
from muster_platform.updates.rollouts import RolloutService

BODIES: dict[str, dict[str, Any]] = {
    "plan_rollout": {
        "release_id": "{published_release_id}",
        "target": {"devices": ["{updatable_id}"]},
    },
    "start_rollout": {
        "release_id": "{published_release_id}",
        "target": {"devices": ["{updatable_id}"]},
        "phases": [{"percent": 10, "error_devices": 1}, {}],
    },
    "pause_rollout": {"reason": "wait"},
    "resume_rollout": {},
    "open_next_phase": {},
    "abort_rollout": {"reason": "not this one"},
    "retry_rollout": {},
}
BEFORE = {
    "resume_rollout": ("/rollouts/{rollout_id}/pause",),
    "retry_rollout": ("/executions/{rollout_execution_id}/cancel",),
}


def make(unit: Unit, group_id: int, release_id: str, n: int) -> dict[str, Any]:
    """Make devices that can be updated, and start a rollout on two of them."""
    names = [f"updatable-{n}-{number}" for number in range(3)]
    for name in names:
        DeviceService(unit).register(name, "sensor", group_id)
    unit.session.execute(
        update(Device)
        .where(Device.device_id.in_(names))
        .values(capabilities=["install"], plain=False)
    )
    spec = RolloutSpec(
        release_id=release_id,
        target=Target(devices=tuple(names[:2])),
        phases=(PhaseSpec(devices=1), PhaseSpec()),
    )
    service = RolloutService(unit)
    one = RolloutSpec(release_id=release_id, target=Target(devices=(names[2],)))
    started = service.start(spec)
    return {
        "rollout_id": started.id,
        "rollout_execution_id": unit.session.scalars(
            select(Execution.id).where(Execution.job_id == started.id)
        ).first(),
        "updatable_id": names[2],
        "rollout_digest": service.plan(one).digest,
    }
