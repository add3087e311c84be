"""Making jobs: the plan, the permission on every device, and what is refused."""

import pytest
from sqlalchemy import select

from muster_platform.access.models import AuditEntry
from muster_platform.devices.profiles import ProfileService
from muster_platform.devices.service import DeviceService
from muster_platform.errors import Conflict, InvalidInput, NotFound, PermissionDenied
from muster_platform.jobs.service import JobService
from muster_platform.jobs.views import Limits
from muster_platform.outbox import WAKE_DISPATCH, Live, Wake
from muster_protocol.ids import uuid7
from muster_protocol.states import PresenceState
from tests.integration.jobs.conftest import Fleet
from tests.services.database import ADMIN, actor


def plan(fleet, target, person=ADMIN, command="reboot"):
    with fleet.platform.unit(person, write=False) as unit:
        found = JobService(unit).plan(target, command)
    return {d.device_id for d in found.included}, {d.device_id: d.code for d in found.excluded}


class TestPlan:
    def test_a_group_holds_its_devices_and_those_inside(self, fleet: Fleet):
        assert plan(fleet, {"group": 1})[0] == {"pump-1", "pump-2", "cam-1"}
        assert plan(fleet, {"group": fleet.south_id})[0] == {"cam-1"}

    def test_a_tag_selects_by_value_or_by_name(self, fleet: Fleet):
        assert plan(fleet, {"tag": {"name": "site", "value": "berlin"}})[0] == {"pump-1", "cam-1"}
        assert plan(fleet, {"tag": {"name": "site", "value": "paris"}})[0] == set()
        assert plan(fleet, {"tag": {"name": "site"}})[0] == {"pump-1", "cam-1"}

    def test_who_is_out_and_why(self, fleet: Fleet):
        fleet.change("pump-1", disabled_at=1)
        fleet.change("pump-2", capabilities=["ping"])
        fleet.change("cam-1", capabilities=["reboot"])
        included, excluded = plan(fleet, {"devices": ["pump-1", "pump-2", "cam-1", "ghost"]})
        assert included == {"cam-1"}
        assert excluded == {
            "pump-1": "disabled",
            "pump-2": "lacks_capability",
            "ghost": "unknown",
        }

    def test_a_device_of_another_group_is_out_for_lack_of_permission(self, fleet: Fleet):
        person = actor("operator", fleet.north)
        viewer_everywhere = actor("viewer")
        both = type(person)(
            "user", "x", "x@example.org", (*person.grants, *viewer_everywhere.grants)
        )
        included, excluded = plan(fleet, {"group": 1}, both)
        assert included == {"pump-1", "pump-2"}
        assert excluded == {"cam-1": "no_permission"}

    def test_what_one_may_not_read_does_not_exist(self, fleet: Fleet):
        person = actor("operator", fleet.north)
        assert plan(fleet, {"devices": ["cam-1"]}, person)[1] == {"cam-1": "unknown"}

    @pytest.mark.parametrize(
        "target",
        [
            *({}, {"devices": []}, {"devices": [1]}, {"group": "1"}, {"group": True}, [], None),
            *({"tag": "site"}, {"x": 1}, {"devices": ["a"], "group": 1}),
        ],
    )
    def test_a_target_that_is_none_names_the_field(self, fleet: Fleet, target):
        with pytest.raises(InvalidInput) as caught:
            plan(fleet, target)
        assert caught.value.where.startswith("target")


class TestCreate:
    def test_one_execution_per_device_with_its_first_event(self, fleet: Fleet):
        job_id = fleet.send("pump-1", "cam-1")
        first, second = fleet.executions(job_id)
        assert {first.state, second.state} == {"QUEUED"}
        assert first.due_at == first.queued_at
        assert [(e.from_state, e.to_state) for e in fleet.events(first.id)] == [("", "QUEUED")]
        assert fleet.job(job_id).group_path == "1/"

    def test_a_job_of_one_group_lies_in_it(self, fleet: Fleet):
        assert fleet.job(fleet.send("pump-1", "pump-2")).group_path == fleet.north

    def test_it_wakes_dispatch_and_tells_the_device_page(self, fleet: Fleet):
        fleet.send("pump-1")
        sent = fleet.platform.recorded.sent
        assert Wake(WAKE_DISPATCH) in sent
        assert any(isinstance(s, Live) and s.kind == "execution" for s in sent)

    def test_it_is_one_act_in_the_audit_log(self, fleet: Fleet):
        job_id = fleet.send("pump-1", "pump-2", reason="monthly")
        with fleet.platform.unit(ADMIN, write=False) as unit:
            [entry] = unit.session.scalars(
                select(AuditEntry).where(AuditEntry.action == "command.create")
            )
        assert (entry.subject_id, entry.reason) == (job_id, "monthly")
        assert entry.after["devices"] == 2

    def test_an_offline_device_waits_and_says_so(self, fleet: Fleet):
        fleet.presence("pump-1", PresenceState.OFFLINE)
        execution = fleet.only(fleet.send("pump-1"))
        assert execution.due_at is None
        assert (execution.blocked_by, execution.blocked_subject) == ("device_offline", "pump-1")

    def test_a_plain_device_is_due_whatever_its_presence(self, fleet: Fleet):
        fleet.add("sensor-1", plain=True)
        assert fleet.only(fleet.send("sensor-1")).due_at is not None

    def test_every_limit_can_be_set_and_is_the_installation_s_otherwise(self, fleet: Fleet):
        limits = Limits(queue_s=10, delivery_s=20, timeout_s=30, step_timeout_s=40)
        job = fleet.job(fleet.send("pump-1", limits=limits))
        assert (job.queue_s, job.delivery_s, job.timeout_s, job.step_timeout_s) == (10, 20, 30, 40)
        other = fleet.job(fleet.send("pump-1"))
        assert other.timeout_s == fleet.platform.settings.execution_timeout_s

    def test_the_same_job_id_again_is_the_same_job(self, fleet: Fleet):
        job_id = uuid7()
        assert fleet.send("pump-1", job_id=job_id) == fleet.send("pump-1", job_id=job_id)
        assert len(fleet.executions(job_id)) == 1
        with pytest.raises(Conflict):
            fleet.send("pump-1", name="other", job_id=job_id)


class TestRefusals:
    def test_without_the_permission_it_names_permission_and_group(self, fleet: Fleet):
        with pytest.raises(PermissionDenied) as caught:
            fleet.send("pump-1", actor=actor("viewer"))
        assert caught.value.permission == "commands:run"

    def test_one_named_device_of_a_foreign_group_stops_all(self, fleet: Fleet):
        person = actor("operator", fleet.north)
        reader = actor("viewer")
        both = type(person)("user", "x", "x@x", (*person.grants, *reader.grants))
        with pytest.raises(PermissionDenied) as caught:
            fleet.send("pump-1", "cam-1", actor=both)
        assert caught.value.group == "south"

    def test_a_named_device_that_is_not_there_is_not_found(self, fleet: Fleet):
        with pytest.raises(NotFound):
            fleet.send("pump-1", "ghost")

    def test_nobody_left_is_a_conflict_that_says_why(self, fleet: Fleet):
        fleet.change("pump-1", disabled_at=1)
        with pytest.raises(Conflict) as caught:
            fleet.send("pump-1")
        assert "disabled" in caught.value.detail

    @pytest.mark.parametrize(
        ("name", "args", "where"),
        [
            ("", {}, "name"),
            ("x" * 129, {}, "name"),
            ("a\nb", {}, "name"),
            ("reboot", {"x": "y" * 70_000}, "args"),
            ("log_level", {"level": "LOUD"}, "args.level"),
            ("reboot", {"x": {1, 2}.__iter__()}, "args"),
        ],
    )
    def test_what_no_device_could_read(self, fleet: Fleet, name, args, where):
        with fleet.platform.unit(ADMIN) as unit, pytest.raises(InvalidInput) as caught:
            JobService(unit).create_command(name, args, target={"devices": ["pump-1"]})
        assert caught.value.where == where

    @pytest.mark.parametrize("value", [0, -1, 10**12, True])
    def test_a_limit_that_is_none(self, fleet: Fleet, value):
        with pytest.raises(InvalidInput) as caught:
            fleet.send("pump-1", limits=Limits(timeout_s=value))
        assert caught.value.where == "limits.timeout_s"

    def test_more_devices_than_a_job_may_have(self, fleet: Fleet):
        fleet.platform.configure(job_devices=2)
        with pytest.raises(InvalidInput):
            fleet.send(target={"group": 1})


def test_what_nobody_chose_comes_from_the_profile_the_longest_of_several(fleet):
    with fleet.platform.unit(ADMIN) as unit:
        profiles = ProfileService(unit)
        first = profiles.list()[0]
        profiles.update(first.name, limits={"command_timeout_s": 30, "command_queue_s": 50})
        profiles.create("slow", limits={"command_timeout_s": 900, "command_queue_s": 10})
        DeviceService(unit).register("slow-1", "slow", fleet.north_id)
    only = fleet.job(fleet.send("pump-1"))
    assert (only.queue_s, only.timeout_s, only.step_timeout_s) == (50, 30, 300)
    both = fleet.job(fleet.send("pump-1", "slow-1"))
    assert (both.queue_s, both.timeout_s) == (50, 900)
    chosen = fleet.job(fleet.send("pump-1", "slow-1", limits=Limits(timeout_s=7)))
    assert (chosen.queue_s, chosen.timeout_s) == (50, 7)
