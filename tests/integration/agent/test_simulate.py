"""`muster simulate` over a real broker: a fleet that says hello, reports, obeys, says goodbye."""

from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import pytest

from muster_protocol.ids import uuid7
from muster_protocol.states import ExecutionState
from tests.integration.agent.enrol_stub import EnrolStub
from tests.integration.agent.fake_platform import FakePlatform
from tests.services.mosquitto import Mosquitto
from tests.services.muster import MusterProcess

SCENARIO = """
description = "test"
prefix = "{prefix}"
connect_over_s = 0.1

[profiles.sensor]
every_s = 0.5
[profiles.sensor.metrics]
t = {{ kind = "walk", start = [1, 2], step = 0.1, min = 0, max = 9 }}
[profiles.sensor.logs]
per_hour = 3600
crashes_per_hour = 3600
[profiles.sensor.commands]
names = ["ok"]
seconds = [0, 0.1]
{more}
"""


@pytest.fixture
def start_fleet(
    tmp_path: Path, mosquitto: Mosquitto, muster_process: Callable[..., MusterProcess]
) -> Callable[..., tuple[MusterProcess, str]]:
    def start(
        stub: EnrolStub, more: str = "", seed: int = 7, prefix: str = "", state: str = "fleet"
    ) -> tuple[MusterProcess, str]:
        prefix = prefix or f"f{uuid4().hex[:8]}"
        scenario = tmp_path / f"{prefix}.toml"
        scenario.write_text(SCENARIO.format(prefix=prefix, more=more))
        process = muster_process(
            *("simulate", "--server", stub.url, "--devices", "3", "--seed", str(seed)),
            *("--scenario", str(scenario), "--state", str(tmp_path / state)),
            env={"MUSTER_ENROLMENT_TOKEN": "sensor=tok"},
        )
        return process, prefix

    return start


def test_a_fleet_enrols_once_reports_obeys_and_says_goodbye(
    mosquitto: Mosquitto, start_fleet: Callable[..., tuple[MusterProcess, str]]
) -> None:
    with EnrolStub(mosquitto.port).serving() as stub:
        prefix = f"f{uuid4().hex[:8]}"
        platform = FakePlatform(mosquitto.port, f"{prefix}-sensor-0001")
        try:
            process, _ = start_fleet(stub, prefix=prefix)
            process.wait_for("ready: 3 devices")
            assert [body["token"] for body in stub.asked] == ["tok"] * 3
            first = platform.wait(lambda: platform.hellos, "hello")[0]
            platform.wait(lambda: len(platform.values("t")) > 2, "telemetry")
            platform.wait(lambda: [k for k in platform.stored if k[1] == "logs"], "logs")
            execution = uuid7()
            platform.command(execution, "ok")
            platform.wait_state(execution, ExecutionState.SUCCEEDED)
            reboot = uuid7()
            platform.command(reboot, "reboot")
            report = platform.wait_state(reboot, ExecutionState.SUCCEEDED)
            assert report.result["resumed"] is True
            assert platform.hellos[-1].boot != first.boot
            assert process.terminate() == 0
            platform.wait(lambda: not platform.presences[-1].online, "goodbye")
            start_fleet(stub, prefix=prefix)[0].wait_for("ready: 3 devices")
            assert len(stub.asked) == 3
            again = platform.wait(lambda: platform.hellos[2:], "hello of the next run")[0]
            assert again.install_id == first.install_id
            assert again.session > first.session
        finally:
            platform.close()


def test_the_same_seed_measures_the_same(
    mosquitto: Mosquitto, start_fleet: Callable[..., tuple[MusterProcess, str]]
) -> None:
    seen = []
    with EnrolStub(mosquitto.port).serving() as stub:
        prefix = f"f{uuid4().hex[:8]}"
        for state, seed in (("a", 1), ("b", 1), ("c", 2)):
            platform = FakePlatform(mosquitto.port, f"{prefix}-sensor-0002")
            process, _ = start_fleet(stub, seed=seed, prefix=prefix, state=state)
            platform.wait(lambda: len(platform.values("t")) > 2, "telemetry")  # noqa: B023
            seen.append(platform.values("t")[:3])
            process.terminate()
            platform.close()
    assert seen[0] == seen[1] != seen[2]


def test_flapping_devices_come_back_with_newer_sessions(
    mosquitto: Mosquitto, start_fleet: Callable[..., tuple[MusterProcess, str]]
) -> None:
    with EnrolStub(mosquitto.port).serving() as stub:
        prefix = f"f{uuid4().hex[:8]}"
        platform = FakePlatform(mosquitto.port, f"{prefix}-sensor-0003")
        faults = (
            "[profiles.sensor.faults]\nflapping = 1\nflap_every_s = [1, 1.5]\n"
            "flap_away_s = [0.1, 0.3]"
        )
        start_fleet(stub, faults, prefix=prefix)
        try:
            hellos = platform.wait(lambda: platform.hellos[2:] and platform.hellos, "3 hellos")
            assert sorted({h.session for h in hellos}) == [h.session for h in hellos]
            assert {h.boot for h in hellos} == {hellos[0].boot}
        finally:
            platform.close()


def test_a_slip_in_the_scenario_is_one_line_that_names_the_key(
    start_fleet: Callable[..., tuple[MusterProcess, str]], mosquitto: Mosquitto
) -> None:
    with EnrolStub(mosquitto.port).serving() as stub:
        process, prefix = start_fleet(stub, "fial = 0.5")
    assert process.wait() == 3
    line = process.output().strip()
    assert "\n" not in line
    assert f"{prefix}.toml: profiles.sensor.commands: " in line
    assert "unknown field `fial`" in line
