"""A thousand devices, six in a hundred of which fail: the rollout stops itself."""

import zlib

from muster_platform.updates.rollout_plan import PhaseSpec
from tests.integration.rollouts.conftest import Fleet


def live(fleet: Fleet, rollout_id: str, bad: set[int]) -> None:
    """Let every device that was sent it do what it does."""
    fleet.dispatch()
    for execution in fleet.executions(rollout_id, "SENT"):
        if execution.device_key in bad:
            error = {"code": "health_check", "message": "the app does not start"}
            fleet.say(execution, "FAILED", step="ROLLED_BACK", error=_error(**error))
        else:
            fleet.say(execution, "SUCCEEDED")
            fleet.inventory(execution.device_key, app="2.0")
    fleet.pass_over()


def _error(code: str, message: str):
    from muster_protocol.messages import ErrorInfo

    return ErrorInfo(code=code, message=message)


def test_a_rollout_pauses_by_itself_in_the_phase_where_six_percent_fail(fleet: Fleet) -> None:
    fleet.add(1000)
    bad = {key for name, key in fleet.keys.items() if zlib.crc32(name.encode()) % 100 < 6}
    assert 40 <= len(bad) <= 80
    rollout = fleet.start(
        fleet.spec(
            PhaseSpec(devices=5, error_devices=5, success_percent=20),
            PhaseSpec(percent=30, error_percent=3, success_percent=95),
            PhaseSpec(error_percent=4),
        )
    )
    assert [one.device_count for one in rollout.phases] == [5, 300, 695]

    live(fleet, rollout.id, bad)
    assert fleet.view(rollout.id).phases[1].state == "RUNNING"
    live(fleet, rollout.id, bad)

    after = fleet.view(rollout.id)
    assert after.job.state == "PAUSED"
    assert after.job.reason.startswith("phase 2: ")
    assert after.job.reason.endswith("of 300 devices failed; 9 pause it")
    assert [one.state for one in after.phases] == ["DONE", "PAUSED", "WAITING"]
    assert after.phases[2].counts == {}
    assert after.phases[1].counts["FAILED"] >= 9
    assert sum(after.phases[1].counts.values()) == 300

    fleet.pass_over()
    assert fleet.dispatch() == [], "a paused rollout hands nothing more over"
    assert fleet.view(rollout.id) == after, "a pass over a paused rollout changes nothing"
