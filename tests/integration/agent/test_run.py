"""`muster agent run` against a real broker and a scripted platform; killed with -9."""

from muster_protocol.ids import uuid7
from muster_protocol.messages import Action, Command, SettingsReport
from muster_protocol.states import ExecutionState, PresenceReason
from tests.integration.agent.conftest import Device
from tests.integration.agent.fake_platform import FakePlatform

E = ExecutionState


def test_hello_is_first_presence_follows_goodbye_at_sigterm(
    device: Device, platform: FakePlatform
) -> None:
    process = device.run()
    hello = platform.wait(lambda: platform.hellos, "hello")[0]
    platform.wait(lambda: platform.presences, "presence")
    assert hello.seq == 1
    assert {"ping", "collect_info", "log_level", "count"} <= set(hello.capabilities)
    assert platform.presences[0].session == hello.session
    assert process.terminate() == 0
    platform.wait(lambda: len(platform.presences) > 1, "goodbye")
    assert platform.presences[-1].reason is PresenceReason.DISCONNECTED


def test_killed_agent_is_reported_lost_by_its_will_and_comes_back_newer(
    device: Device, platform: FakePlatform
) -> None:
    process = device.run()
    first = platform.wait(lambda: platform.hellos, "hello")[0]
    process.kill()
    platform.wait(lambda: [p for p in platform.presences if not p.online], "will")
    assert platform.presences[-1].reason is PresenceReason.LOST
    device.run()
    second = platform.wait(lambda: platform.hellos[1:], "second hello")[0]
    assert second.session > first.session
    assert second.install_id == first.install_id
    assert second.boot != first.boot


def test_command_runs_once_and_a_repeated_id_is_answered_from_the_journal(
    device: Device, platform: FakePlatform
) -> None:
    device.run()
    platform.wait(lambda: platform.hellos, "hello")
    execution = uuid7()
    platform.command(execution, "count", args={"n": 7}, timeout_s=60)
    assert platform.wait_state(execution, E.SUCCEEDED).result == {"n": 7}
    before = len(platform.reports(execution))
    platform.say_ledger(platform.hellos[-1])
    platform.command(execution, "count", args={"n": 7}, timeout_s=60)
    platform.wait(lambda: len(platform.reports(execution)) + platform.doubled > before, "again")
    assert device.runs() == [execution]
    states = [r.state for r in platform.reports(execution)]
    assert states[:2] == [E.DELIVERED, E.IN_PROGRESS]


def test_agent_killed_while_a_command_runs_reports_it_interrupted_and_never_runs_it_again(
    device: Device, platform: FakePlatform
) -> None:
    process = device.run()
    platform.wait(lambda: platform.hellos, "hello")
    execution = uuid7()
    platform.command(execution, "hang")
    platform.wait_state(execution, E.IN_PROGRESS)
    process.kill()
    device.run()
    report = platform.wait_state(execution, E.FAILED)
    assert report.error is not None
    assert report.error.code == "interrupted"
    platform.command(execution, "hang")
    ping = uuid7()
    platform.command(ping, "ping")
    platform.wait_state(ping, E.SUCCEEDED)
    assert device.runs().count(execution) <= 1


def test_resumable_command_is_run_again_after_a_kill(
    device: Device, platform: FakePlatform
) -> None:
    process = device.run()
    platform.wait(lambda: platform.hellos, "hello")
    execution = uuid7()
    platform.command(execution, "again")
    platform.wait_state(execution, E.IN_PROGRESS)
    process.kill()
    device.run()
    assert platform.wait_state(execution, E.SUCCEEDED).result == {"resumed": True}


def test_cancel_reaches_a_running_handler(device: Device, platform: FakePlatform) -> None:
    device.run()
    platform.wait(lambda: platform.hellos, "hello")
    execution = uuid7()
    platform.command(execution, "steps")
    platform.wait(lambda: [r for r in platform.reports(execution) if r.step == "first"], "step")
    platform.say("commands", Command(action=Action.CANCEL, execution=execution))
    platform.wait_state(execution, E.CANCELED)


def test_expiry_is_judged_by_the_servers_clock(device: Device, platform: FakePlatform) -> None:
    platform.clock_ahead_s = 7200
    device.run()
    hello = platform.wait(lambda: platform.hellos, "hello")[0]
    execution = uuid7()
    assert hello.ts is not None
    platform.command(execution, "count", expires_at=hello.ts + 3_600_000)
    report = platform.wait_state(execution, E.EXPIRED)
    assert report.error is not None
    assert report.error.code == "expired"
    assert device.runs() == []


def test_settings_are_applied_each_and_errors_told(device: Device, platform: FakePlatform) -> None:
    device.run()
    platform.settings(3, interval_s=0, colour="red")
    key = platform.wait(lambda: [k for k in platform.stored if k[1] == "settings"], "report")[0]
    report = platform.stored[key]
    assert isinstance(report, SettingsReport)
    assert report.version == 3
    assert report.errors == {
        "interval_s": "must be at least 1",
        "colour": "this device has no such setting",
    }


def test_telemetry_accepted_before_a_kill_is_never_lost_or_doubled(
    device: Device, platform: FakePlatform
) -> None:
    for _ in range(3):
        process = device.run(TEST_TELEMETRY="1")
        count = len(platform.hellos)
        platform.wait_more(lambda: platform.hellos, count)
        platform.wait_more(lambda: platform.values("n"), len(platform.values("n")))
        process.kill()
    device.run()
    accepted = [int(line.split()[1]) for line in device.runs() if line.startswith("accepted")]
    begun = [int(line.split()[1]) for line in device.runs() if line.startswith("accepting")]
    platform.wait(lambda: len(platform.values("n")) >= len(accepted), "all accepted")
    got = [int(v) for v in platform.values("n")]
    for n in set(accepted):
        assert accepted.count(n) <= got.count(n) <= begun.count(n)


def test_what_a_broker_forgot_is_sent_again(device: Device, platform: FakePlatform) -> None:
    platform.storing = False
    process = device.run(TEST_TELEMETRY="1")
    platform.wait(lambda: len(platform.presences) > 0, "presence")
    process.kill()
    platform.storing = True
    device.run()
    accepted = {int(line.split()[1]) for line in device.runs() if line.startswith("accepted")}
    platform.wait(lambda: accepted <= {int(v) for v in platform.values("n")}, "all of it")
