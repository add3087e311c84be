"""Reports and inventories of many devices in one batch of ingest."""

import json

from muster_broker.receiver import Received
from muster_platform.devices.ingest.telemetry import Metrics
from muster_platform.stream.messages import Envelope, Reader
from muster_platform.stream.store import BatchStore
from muster_platform.stream.wiring import appliers
from tests.integration.rollouts.conftest import Fleet
from tests.services.database import ADMIN


def test_claims_and_proofs_in_one_batch_are_judged_in_their_order(fleet: Fleet) -> None:
    fleet.add(3)
    rollout = fleet.start(fleet.spec())
    fleet.dispatch()
    names = {key: name for name, key in fleet.keys.items()}
    executions = fleet.executions(rollout.id)
    reader, at = Reader(), fleet.platform.time.now_ms()

    def say(device: str, channel: str, **fields: object) -> Envelope:
        topic = f"muster/1/{device}/up/{channel}"
        item = reader.read(Received(topic, json.dumps(fields).encode(), 1, 1, False, False, at, 1))
        assert isinstance(item, Envelope)
        return item

    batch = []
    for execution, version in zip(executions, ("2.0", "1.0", None), strict=True):
        device = names[execution.device_key]
        batch.append(say(device, "updates", execution=execution.id, state="IN_PROGRESS"))
        batch.append(say(device, "updates", execution=execution.id, state="SUCCEEDED"))
        if version:
            have = [{"component": "app", "version": version}]
            batch.append(say(device, "inventory", inventory=have))
    stranger = names[executions[0].device_key]
    batch.append(say(stranger, "updates", execution=executions[1].id, state="FAILED"))
    with fleet.platform.unit(ADMIN) as unit:
        BatchStore(unit, appliers(), Metrics()).store(batch, ())

    after = fleet.executions(rollout.id)
    assert [(one.state, one.error_code) for one in after] == [
        ("SUCCEEDED", ""),
        ("FAILED", "not_verified"),
        ("VERIFYING", ""),
    ]
