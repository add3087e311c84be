"""The life of rollouts: plan, phases, proof, pause, abort, retry."""

import pytest
from sqlalchemy import update

from muster_platform.access.actor import Actor, Grant
from muster_platform.access.groups import GroupService
from muster_platform.access.models import Group
from muster_platform.access.permissions import BUILTIN_ROLES
from muster_platform.devices.models import Device, Presence
from muster_platform.errors import Conflict, InvalidInput, NotFound, PermissionDenied
from muster_platform.jobs.executions import ExecutionService
from muster_platform.jobs.service import JobService
from muster_platform.jobs.targets import Target
from muster_platform.paging import PageRequest
from muster_platform.updates.adoption import AdoptionService
from muster_platform.updates.models import Release
from muster_platform.updates.rollout_plan import PhaseSpec
from muster_platform.updates.rollouts import RolloutService
from muster_protocol.messages import ErrorInfo
from tests.integration.rollouts.conftest import Fleet, document
from tests.services.database import ADMIN, NOBODY, actor


def change(fleet: Fleet, name: str, **values: object) -> None:
    with fleet.platform.unit(ADMIN) as unit:
        unit.session.execute(update(Device).where(Device.device_id == name).values(**values))


def test_the_plan_says_who_is_out_and_why(fleet: Fleet) -> None:
    fleet.add(6)
    change(fleet, "phone-0001", disabled_at=1)
    change(fleet, "phone-0002", capabilities=["reboot"])
    fleet.inventory(fleet.keys["phone-0003"], app="2.0")
    fleet.inventory(fleet.keys["phone-0004"], app="3.0")
    with fleet.platform.unit(ADMIN, write=False) as unit:
        names = (*sorted(fleet.keys), "nobody")
        plan = RolloutService(unit).plan(fleet.spec(target=Target(devices=names)))
    assert {one.device_id: one.code for one in plan.excluded} == {
        "phone-0001": "disabled",
        "phone-0002": "lacks_mode",
        "phone-0003": "has_version",
        "phone-0004": "newer",
        "nobody": "unknown",
    }
    assert {one.device.device_id for one in plan.members} == {"phone-0000", "phone-0005"}


def test_a_device_of_a_profile_that_the_release_is_not_for_is_out(fleet: Fleet) -> None:
    fleet.add(1)
    with fleet.platform.unit(ADMIN) as unit:
        release = unit.session.get_one(Release, fleet.release_id)
        release.targets.clear()
    with pytest.raises(Conflict, match="not for its profile"):
        fleet.start(fleet.spec())


def test_two_rollouts_never_update_one_device_at_once(fleet: Fleet) -> None:
    fleet.add(4)
    fleet.start(fleet.spec(PhaseSpec(devices=1), PhaseSpec()))
    with pytest.raises(Conflict, match="another update of it has not ended"):
        fleet.start(fleet.spec())


def test_another_plan_than_the_one_that_was_seen_is_not_started(fleet: Fleet) -> None:
    fleet.add(3)
    with fleet.platform.unit(ADMIN, write=False) as unit:
        seen = RolloutService(unit).plan(fleet.spec()).digest
    fleet.add(1)
    with pytest.raises(Conflict) as refused:
        fleet.start(fleet.spec(), digest=seen)
    assert refused.value.code == "plan_changed"


def test_the_same_plan_made_twice_has_the_same_digest_and_starts(fleet: Fleet) -> None:
    fleet.add(20)
    spec = fleet.spec(PhaseSpec(percent=10), PhaseSpec())
    with fleet.platform.unit(ADMIN, write=False) as unit:
        seen = RolloutService(unit).plan(spec).digest
    assert fleet.start(spec, digest=seen).job.device_count == 20


def test_what_is_published_names_release_files_and_mode(fleet: Fleet) -> None:
    fleet.add(1)
    rollout = fleet.start(fleet.spec())
    [parcel] = fleet.dispatch()
    told = document(parcel)
    assert parcel.topic == "muster/1/phone-0000/down/updates"
    assert (told["mode"], told["action"]) == ("install", "run")
    assert told["release"]["components"] == [{"component": "app", "version": "2.0"}]
    assert told["data"] == {"flag": True}
    [file] = told["artifacts"]
    assert file["url"].startswith("https://muster.example.org/api/v1/device/artifacts/")
    assert told["execution"] == fleet.only(rollout.id).id


def test_a_device_that_cannot_install_is_notified(fleet: Fleet) -> None:
    fleet.add(1, capabilities=("notify",))
    fleet.start(fleet.spec())
    [parcel] = fleet.dispatch()
    told = document(parcel)
    assert told["mode"] == "notify"
    assert told["notification"]["title"] == "New app"


def test_a_claimed_success_waits_for_the_inventory(fleet: Fleet) -> None:
    fleet.add(1)
    rollout = fleet.start(fleet.spec())
    fleet.dispatch()
    fleet.say(fleet.only(rollout.id), "SUCCEEDED")
    held = fleet.only(rollout.id)
    assert (held.state, held.blocked_by) == ("VERIFYING", "waiting_for_inventory")
    fleet.inventory(held.device_key, app="2.0")
    fleet.pass_over()
    assert fleet.only(rollout.id).state == "SUCCEEDED"
    assert fleet.view(rollout.id).job.state == "COMPLETED"


def test_a_success_that_the_inventory_shows_already_is_believed_at_once(fleet: Fleet) -> None:
    fleet.add(1)
    rollout = fleet.start(fleet.spec())
    fleet.dispatch()
    execution = fleet.only(rollout.id)
    fleet.say(execution, "IN_PROGRESS", step="COMMITTING")
    fleet.inventory(execution.device_key, app="2.0")
    assert fleet.only(rollout.id).state == "IN_PROGRESS", "it may roll back yet"
    fleet.say(execution, "SUCCEEDED")
    assert fleet.only(rollout.id).state == "SUCCEEDED"


def test_a_lying_installer_is_caught_by_its_next_inventory(fleet: Fleet) -> None:
    fleet.add(1)
    rollout = fleet.start(fleet.spec())
    fleet.dispatch()
    execution = fleet.only(rollout.id)
    fleet.say(execution, "SUCCEEDED")
    fleet.inventory(execution.device_key, app="1.0")
    caught = fleet.only(rollout.id)
    assert (caught.state, caught.error_code) == ("FAILED", "not_verified")
    assert "app 1.0 instead of 2.0" in caught.error_message


def test_a_lying_installer_that_shows_no_inventory_fails_when_patience_ends(fleet: Fleet) -> None:
    fleet.add(1)
    rollout = fleet.start(fleet.spec(verify_s=60))
    fleet.dispatch()
    fleet.say(fleet.only(rollout.id), "SUCCEEDED")
    fleet.platform.time.advance(s=59)
    fleet.pass_over()
    assert fleet.only(rollout.id).state == "VERIFYING"
    fleet.platform.time.advance(s=1)
    fleet.pass_over()
    caught = fleet.only(rollout.id)
    assert (caught.state, caught.error_code) == ("FAILED", "not_verified")


def test_a_phone_that_says_nothing_is_proved_by_its_inventory(fleet: Fleet) -> None:
    fleet.add(1, capabilities=("notify",))
    rollout = fleet.start(fleet.spec())
    fleet.dispatch()
    fleet.inventory(fleet.only(rollout.id).device_key, app="2.0")
    assert fleet.only(rollout.id).state == "SUCCEEDED"


def test_a_rollback_is_shown_with_the_failure(fleet: Fleet) -> None:
    fleet.add(1)
    rollout = fleet.start(fleet.spec())
    fleet.dispatch()
    error = ErrorInfo(code="health_check", message="the app does not start")
    fleet.say(fleet.only(rollout.id), "FAILED", step="ROLLED_BACK", error=error)
    failed = fleet.only(rollout.id)
    assert (failed.state, failed.step, failed.error_code) == (
        "FAILED",
        "ROLLED_BACK",
        "health_check",
    )


def finish(fleet: Fleet, rollout_id: str) -> None:
    fleet.dispatch()
    for execution in fleet.executions(rollout_id, "SENT"):
        fleet.say(execution, "SUCCEEDED")
        fleet.inventory(execution.device_key, app="2.0")
    fleet.pass_over()


def test_phases_follow_by_themselves_after_their_soak(fleet: Fleet) -> None:
    fleet.add(10)
    rollout = fleet.start(fleet.spec(PhaseSpec(percent=20, soak_s=600), PhaseSpec()))
    finish(fleet, rollout.id)
    view = fleet.view(rollout.id)
    assert [one.state for one in view.phases] == ["SOAKING", "WAITING"]
    assert view.job.blocked_by == "soaking"
    fleet.platform.time.advance(s=600)
    fleet.pass_over()
    assert len(fleet.executions(rollout.id)) == 10
    finish(fleet, rollout.id)
    assert fleet.view(rollout.id).job.state == "COMPLETED"


def test_a_phase_by_hand_waits_for_a_person(fleet: Fleet) -> None:
    fleet.add(4)
    rollout = fleet.start(fleet.spec(PhaseSpec(devices=2, by_hand=True), PhaseSpec()))
    finish(fleet, rollout.id)
    assert fleet.view(rollout.id).job.blocked_by == "waiting_for_hand"
    fleet.pass_over()
    assert len(fleet.executions(rollout.id)) == 2
    fleet.do("next_phase", rollout.id)
    assert len(fleet.executions(rollout.id)) == 4


def test_resuming_accepts_the_failures_so_far_and_the_next_phase_follows(fleet: Fleet) -> None:
    fleet.add(4)
    rollout = fleet.start(fleet.spec(PhaseSpec(devices=2), PhaseSpec()))
    fleet.dispatch()
    for execution in fleet.executions(rollout.id):
        fleet.say(execution, "FAILED")
    fleet.pass_over()
    assert fleet.view(rollout.id).job.state == "PAUSED"
    assert fleet.do("resume", rollout.id).phases[1].state == "RUNNING"
    fleet.pass_over()
    assert fleet.view(rollout.id).job.state == "IN_PROGRESS"


def test_a_retry_of_the_failed_goes_into_the_same_phase(fleet: Fleet) -> None:
    fleet.add(2)
    rollout = fleet.start(fleet.spec(PhaseSpec(devices=1), PhaseSpec()))
    fleet.dispatch()
    fleet.say(fleet.only(rollout.id), "FAILED")
    fleet.pass_over()
    assert fleet.do("retry", rollout.id) == 1
    fleet.do("resume", rollout.id)
    second = fleet.executions(rollout.id, "QUEUED")[0]
    assert (second.phase, second.attempt, second.mode) == (1, 2, "install")
    finish(fleet, rollout.id)
    assert fleet.view(rollout.id).phases[1].state == "RUNNING"


def test_aborting_ends_what_was_not_sent_and_asks_the_rest_to_stop(fleet: Fleet) -> None:
    fleet.add(3)
    with fleet.platform.unit(ADMIN) as unit:
        away = unit.session.get_one(Presence, fleet.keys["phone-0000"])
        away.state = "OFFLINE"
    rollout = fleet.start(fleet.spec())
    fleet.dispatch()
    fleet.do("abort", rollout.id)
    assert len(fleet.executions(rollout.id, "CANCELED")) == 1
    cancels = fleet.dispatch()
    assert {document(one)["action"] for one in cancels} == {"cancel"}
    assert {one.topic.rpartition("/")[2] for one in cancels} == {"updates"}
    for execution in fleet.executions(rollout.id, "SENT"):
        fleet.say(execution, "CANCELED")
    fleet.pass_over()
    assert fleet.view(rollout.id).job.state == "CANCELED"


def test_devices_that_changed_before_their_phase_are_left_out_of_it(fleet: Fleet) -> None:
    fleet.add(6)
    rollout = fleet.start(fleet.spec(PhaseSpec(devices=2), PhaseSpec()))
    first = {one.device_key for one in fleet.executions(rollout.id)}
    later = sorted(set(fleet.keys.values()) - first)
    fleet.inventory(later[0], app="2.0")
    name = next(name for name, key in fleet.keys.items() if key == later[1])
    change(fleet, name, disabled_at=1)
    finish(fleet, rollout.id)
    view = fleet.view(rollout.id)
    assert view.left_out == {"it has this version already": 1, "it is disabled": 1}
    assert view.job.device_count == 4
    finish(fleet, rollout.id)
    assert fleet.view(rollout.id).job.state == "COMPLETED"


def test_who_may_not_roll_out_on_the_group_cannot_start_it_nor_see_it(fleet: Fleet) -> None:
    fleet.add(1)
    with pytest.raises(PermissionDenied, match="rollouts:run"):
        fleet.start(fleet.spec(), actor=actor("operator"))
    rollout = fleet.start(fleet.spec())
    with pytest.raises(NotFound):
        fleet.do("get", rollout.id, actor=NOBODY)
    with pytest.raises(PermissionDenied):
        fleet.do("pause", rollout.id, actor=actor("operator"))


def test_a_rollout_pauses_when_its_author_has_lost_the_right(fleet: Fleet) -> None:
    fleet.add(3)
    with fleet.platform.unit(ADMIN, write=False) as unit:
        path = unit.session.get_one(Group, fleet.group_id).path
    gone = actor("release_manager", user_id="0190-no-user")
    rollout = fleet.start(fleet.spec(target=Target(group_id=fleet.group_id)), actor=gone)
    assert rollout.job.state == "PAUSED"
    assert "no longer has rollouts:run" in rollout.job.reason
    assert path.endswith("/")


@pytest.mark.parametrize(
    ("phases", "where"),
    [
        ([PhaseSpec(percent=0), PhaseSpec()], "phases[0].percent"),
        ([PhaseSpec(percent=10, devices=3), PhaseSpec()], "phases[0]"),
        ([PhaseSpec(), PhaseSpec()], "phases[0]"),
        ([PhaseSpec(error_devices=0)], "phases[0].error_devices"),
    ],
)
def test_a_phase_that_makes_no_sense_is_named(
    fleet: Fleet, phases: list[PhaseSpec], where: str
) -> None:
    fleet.add(1)
    with pytest.raises(InvalidInput) as refused:
        fleet.start(fleet.spec(*phases))
    assert refused.value.where == where


def test_update_executions_are_seen_with_the_right_of_rollouts_alone(fleet: Fleet) -> None:
    fleet.add(1)
    fleet.start(fleet.spec())
    with fleet.platform.unit(actor("viewer"), write=False) as unit:
        page = ExecutionService(unit).of_device("phone-0000", PageRequest())
    assert [(one.kind, one.mode) for one in page.items] == [("update", "install")]


def test_a_device_says_which_phase_it_waits_for(fleet: Fleet) -> None:
    fleet.add(2)
    rollout = fleet.start(fleet.spec(PhaseSpec(devices=1), PhaseSpec()))
    first = fleet.only(rollout.id).device_key
    waits = {}
    with fleet.platform.unit(ADMIN, write=False) as unit:
        for name, key in fleet.keys.items():
            waits[key == first] = list(RolloutService(unit).waiting_of(name))
    assert waits == {True: [], False: [(rollout.id, "app 2.0", 2)]}


def test_adoption_counts_what_the_devices_of_a_release_have(fleet: Fleet) -> None:
    fleet.add(4)
    fleet.inventory(fleet.keys["phone-0000"], app="2.0")
    fleet.inventory(fleet.keys["phone-0001"], app="3.0")
    fleet.inventory(fleet.keys["phone-0002"], other="1")
    with fleet.platform.unit(ADMIN, write=False) as unit:
        [row] = AdoptionService(unit).newest()
    assert (row.there, row.newer, row.older, row.unknown, row.share) == (1, 1, 1, 1, 0.5)


def test_acting_on_a_rollout_takes_the_right_on_devices_of_phases_to_come(fleet: Fleet) -> None:
    fleet.add(4)
    rollout = fleet.start(fleet.spec(PhaseSpec(devices=2, by_hand=True), PhaseSpec()))
    first = {one.device_key for one in fleet.executions(rollout.id)}
    with fleet.platform.unit(ADMIN) as unit:
        own = GroupService(unit).create("east")
        unit.session.execute(
            update(Device).where(Device.id.in_(first)).values(group_id=own.id),
            execution_options={"synchronize_session": False},
        )
        grants = (
            Grant(BUILTIN_ROLES["viewer"], None),
            Grant(BUILTIN_ROLES["release_manager"], own.path),
        )
    half = Actor("user", "half", "half@example.org", grants)
    for act in ("pause", "resume", "abort", "next_phase"):
        with pytest.raises(PermissionDenied, match="rollouts:run"):
            fleet.do(act, rollout.id, actor=half)
    with fleet.platform.unit(half) as unit, pytest.raises(PermissionDenied):
        JobService(unit).cancel(rollout.id)
    assert fleet.view(rollout.id).job.state == "IN_PROGRESS"
