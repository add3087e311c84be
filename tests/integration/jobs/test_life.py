"""The life of executions and jobs in the database: reports, limits, cancel, retry, hooks."""

from concurrent.futures import ThreadPoolExecutor, wait

import pytest

from muster_platform.access.users import UserService
from muster_platform.bootstrap import DEVICE_HOOKS
from muster_platform.devices.service import DeviceService
from muster_platform.errors import Conflict, NotFound, PermissionDenied
from muster_platform.jobs.create import limits_of, make_job
from muster_platform.jobs.executions import ExecutionService
from muster_platform.jobs.hooks import JobHooks
from muster_platform.jobs.queue import claim_due, mark_sent
from muster_platform.jobs.reports import Outcome
from muster_platform.jobs.service import JobFilter, JobService
from muster_platform.jobs.sweeps import active_jobs, advance_jobs, find_forgotten, sweep_limits
from muster_platform.jobs.targets import Target
from muster_platform.jobs.views import Limits
from muster_platform.paging import PageRequest
from muster_protocol.ids import uuid7
from muster_protocol.messages import ErrorInfo
from muster_protocol.states import ExecutionState, PresenceState
from tests.integration.jobs.conftest import Fleet
from tests.services.database import ADMIN, actor

SHORT = Limits(queue_s=10, delivery_s=60, timeout_s=30, step_timeout_s=20)


def sweep(fleet: Fleet, seconds: float) -> None:
    fleet.platform.time.advance(s=seconds)
    with fleet.platform.unit(ADMIN) as unit:
        sweep_limits(unit)


def pass_over_jobs(fleet: Fleet) -> int:
    with fleet.platform.unit(ADMIN) as unit:
        return advance_jobs(unit, active_jobs(unit))


class TestReports:
    def test_a_claim_moves_it_and_the_job_of_one_completes_with_it(self, fleet: Fleet):
        job_id = fleet.send("pump-1")
        one = fleet.only(job_id)
        fleet.hand_over(one.id)
        assert fleet.report("pump-1", one.id, "DELIVERED") is Outcome.MOVED
        fleet.report("pump-1", one.id, "IN_PROGRESS", step="halfway", progress=0.5)
        assert fleet.only(job_id).step == "halfway"
        fleet.report("pump-1", one.id, "SUCCEEDED", result={"ok": True})
        ended = fleet.only(job_id)
        assert (ended.state, ended.result, ended.limit_at) == ("SUCCEEDED", {"ok": True}, None)
        assert fleet.job(job_id).state == "COMPLETED"
        assert fleet.job(job_id).counts == {"SUCCEEDED": 1}

    def test_the_history_tells_every_move(self, fleet: Fleet):
        one = fleet.only(fleet.send("pump-1"))
        for state in ("DELIVERED", "IN_PROGRESS", "FAILED"):
            fleet.report("pump-1", one.id, state)
        moves = [(e.from_state, e.to_state) for e in fleet.events(one.id)]
        assert moves == [
            ("", "QUEUED"),
            ("QUEUED", "DELIVERED"),
            ("DELIVERED", "IN_PROGRESS"),
            ("IN_PROGRESS", "FAILED"),
        ]

    def test_another_device_s_execution_is_foreign_and_untouched(self, fleet: Fleet):
        one = fleet.only(fleet.send("pump-1"))
        assert fleet.report("pump-2", one.id, "SUCCEEDED") is Outcome.FOREIGN
        assert fleet.report("pump-1", "no-such-id", "SUCCEEDED") is Outcome.FOREIGN
        assert fleet.only(one.job_id).state == "QUEUED"

    def test_a_late_claim_is_kept_as_a_contradiction(self, fleet: Fleet):
        one = fleet.only(fleet.send("pump-1", limits=SHORT))
        sweep(fleet, 11)
        fleet.report("pump-1", one.id, "SUCCEEDED", message="done", result={"x": 1})
        kept = fleet.only(one.job_id)
        assert (kept.state, kept.error_code, kept.result) == ("EXPIRED", "queue_limit", {})
        assert "SUCCEEDED" in (kept.contradiction or "")
        assert fleet.events(one.id)[-1].data["claimed"] == "SUCCEEDED"

    def test_what_a_database_refuses_is_replaced(self, fleet: Fleet):
        one = fleet.only(fleet.send("pump-1"))
        error = ErrorInfo(code="a\x00b", message="\x00")
        fleet.report(
            *("pump-1", one.id, "FAILED"), message="m\x00", result={"k\x00": "\x00"}, error=error
        )
        kept = fleet.only(one.job_id)
        assert (kept.message, kept.error_code) == ("m\ufffd", "a\ufffdb")


class TestLimits:
    def test_a_sweep_ends_what_has_passed_and_its_job(self, fleet: Fleet):
        job_id = fleet.send("pump-1", limits=SHORT)
        sweep(fleet, 9.9)
        assert fleet.only(job_id).state == "QUEUED"
        sweep(fleet, 0.1)
        assert (fleet.only(job_id).state, fleet.job(job_id).state) == ("EXPIRED", "COMPLETED")

    def test_sent_and_silent_expires_with_a_code_of_its_own(self, fleet: Fleet):
        one = fleet.only(fleet.send("pump-1", limits=SHORT))
        fleet.hand_over(one.id)
        sweep(fleet, 59)
        assert fleet.only(one.job_id).state == "SENT"
        sweep(fleet, 1)
        assert fleet.only(one.job_id).error_code == "delivery_limit"

    def test_a_plain_device_without_a_report_says_so(self, fleet: Fleet):
        fleet.add("sensor-1", plain=True)
        one = fleet.only(fleet.send("sensor-1", limits=SHORT))
        fleet.hand_over(one.id)
        sweep(fleet, 60)
        ended = fleet.only(one.job_id)
        assert (ended.state, ended.error_code, ended.blocked_by) == (
            *("EXPIRED", "no_report", "no_report"),
        )

    def test_silence_and_the_whole_time_both_time_out(self, fleet: Fleet):
        quiet = fleet.only(fleet.send("pump-1", limits=SHORT))
        busy = fleet.only(fleet.send("pump-2", limits=SHORT))
        for device, one in (("pump-1", quiet), ("pump-2", busy)):
            fleet.report(device, one.id, "IN_PROGRESS")
        sweep(fleet, 15)
        fleet.report("pump-2", busy.id, "IN_PROGRESS", progress=0.9)
        sweep(fleet, 5)
        assert fleet.only(quiet.job_id).error_code == "silence"
        sweep(fleet, 10)
        assert fleet.only(busy.job_id).error_code == "timeout"


class TestCancel:
    def cancel(self, fleet: Fleet, execution_id: str):
        with fleet.platform.unit(ADMIN) as unit:
            return ExecutionService(unit).cancel(execution_id, "not now")

    def test_at_once_when_it_was_never_handed_over(self, fleet: Fleet):
        one = fleet.only(fleet.send("pump-1"))
        assert self.cancel(fleet, one.id).state == "CANCELED"
        assert fleet.job(one.job_id).state == "COMPLETED"

    def test_by_the_device_otherwise(self, fleet: Fleet):
        one = fleet.only(fleet.send("pump-1"))
        fleet.hand_over(one.id)
        shown = self.cancel(fleet, one.id)
        assert (shown.state, shown.blocked_by) == ("SENT", "cancel_unconfirmed")
        assert fleet.only(one.job_id).due_at is not None
        assert self.cancel(fleet, one.id).state == "SENT"
        fleet.report("pump-1", one.id, "CANCELED")
        assert fleet.only(one.job_id).state == "CANCELED"
        with pytest.raises(Conflict):
            self.cancel(fleet, one.id)

    def test_by_its_limit_without_a_word_of_the_device(self, fleet: Fleet):
        one = fleet.only(fleet.send("pump-1", limits=SHORT))
        fleet.hand_over(one.id)
        self.cancel(fleet, one.id)
        sweep(fleet, 60)
        ended = fleet.only(one.job_id)
        assert ended.state == "EXPIRED"
        assert "cancel not confirmed" in ended.error_message
        assert "cancel not confirmed" in fleet.why(one.id).text

    def test_a_whole_job(self, fleet: Fleet):
        job_id = fleet.send(target={"group": 1})
        first = fleet.executions(job_id)[0]
        fleet.hand_over(first.id)
        with fleet.platform.unit(ADMIN) as unit:
            view = JobService(unit).cancel(job_id, "wrong group")
        assert view.counts == {"SENT": 1, "CANCELED": 2}
        assert view.state == "IN_PROGRESS"
        fleet.report("pump-1", first.id, "CANCELED")
        pass_over_jobs(fleet)
        job = fleet.job(job_id)
        assert (job.state, job.reason, job.counts) == ("CANCELED", "wrong group", {"CANCELED": 3})

    def test_needs_the_right_on_every_device(self, fleet: Fleet):
        job_id = fleet.send(target={"group": 1})
        person = actor("operator", fleet.north)
        reader = actor("viewer")
        both = type(person)("user", "x", "x@x", (*person.grants, *reader.grants))
        with fleet.platform.unit(both) as unit, pytest.raises(PermissionDenied) as caught:
            JobService(unit).cancel(job_id)
        assert caught.value.group == "south"


class TestRetry:
    def test_is_a_new_attempt_and_opens_the_job_again(self, fleet: Fleet):
        job_id = fleet.send("pump-1")
        one = fleet.only(job_id)
        fleet.report("pump-1", one.id, "FAILED")
        assert fleet.job(job_id).state == "COMPLETED"
        with fleet.platform.unit(ADMIN) as unit:
            again = ExecutionService(unit).retry(one.id)
        assert (again.attempt, again.state) == (2, "QUEUED")
        assert fleet.job(job_id).state == "IN_PROGRESS"
        fleet.report("pump-1", again.id, "SUCCEEDED")
        job = fleet.job(job_id)
        assert (job.state, job.counts) == ("COMPLETED", {"SUCCEEDED": 1})

    def test_only_the_newest_unsuccessful_attempt(self, fleet: Fleet):
        job_id = fleet.send("pump-1", "pump-2", "cam-1")
        first, second, third = fleet.executions(job_id)
        fleet.report("pump-1", first.id, "FAILED")
        fleet.report("pump-2", second.id, "SUCCEEDED")
        fleet.report("cam-1", third.id, "REJECTED")
        with fleet.platform.unit(ADMIN) as unit:
            assert JobService(unit).retry(job_id, {ExecutionState.FAILED}) == 1
            assert JobService(unit).retry(job_id, {ExecutionState.FAILED}) == 0
            with pytest.raises(Conflict):
                ExecutionService(unit).retry(first.id)
            with pytest.raises(Conflict):
                ExecutionService(unit).retry(second.id)

    def test_not_of_a_canceled_job(self, fleet: Fleet):
        job_id = fleet.send("pump-1")
        with fleet.platform.unit(ADMIN) as unit:
            JobService(unit).cancel(job_id)
            with pytest.raises(Conflict):
                JobService(unit).retry(job_id)


class TestJobs:
    def test_the_pass_is_idempotent(self, fleet: Fleet):
        job_id = fleet.send("pump-1", "pump-2")
        first, second = fleet.executions(job_id)
        fleet.report("pump-1", first.id, "SUCCEEDED")
        assert pass_over_jobs(fleet) == 1
        assert pass_over_jobs(fleet) == 0
        fleet.report("pump-2", second.id, "FAILED")
        pass_over_jobs(fleet)
        job = fleet.job(job_id)
        assert (job.state, job.counts) == ("COMPLETED", {"FAILED": 1, "SUCCEEDED": 1})

    def test_names_what_holds_most_of_it_back(self, fleet: Fleet):
        for device in ("pump-1", "pump-2"):
            fleet.presence(device, PresenceState.OFFLINE)
        job_id = fleet.send(target={"group": 1})
        pass_over_jobs(fleet)
        job = fleet.job(job_id)
        assert job.blocked_by == "device_offline"
        assert job.blocked_subject == "pump-1 and 1 more"

    def test_pauses_when_its_author_lost_the_right(self, fleet: Fleet):
        with fleet.platform.unit(ADMIN) as unit:
            service = UserService(unit)
            user, _ = service.create("op@example.org", "Op")
            binding = service.bind(user.id, "operator", fleet.north_id)
            user_id, binding_id = user.id, binding.id
        person = actor("operator", fleet.north, user_id)
        fleet.presence("pump-1", PresenceState.OFFLINE)
        job_id = fleet.send("pump-1", actor=person)
        pass_over_jobs(fleet)
        assert fleet.job(job_id).state == "IN_PROGRESS"
        with fleet.platform.unit(ADMIN) as unit:
            UserService(unit).unbind(binding_id)
        pass_over_jobs(fleet)
        job = fleet.job(job_id)
        assert (job.state, job.blocked_by) == ("PAUSED", "job_paused")
        assert "commands:run on north" in job.reason
        assert fleet.only(job_id).blocked_by == "job_paused"
        assert fleet.why(fleet.only(job_id).id).code == "job_paused"

    def test_pause_and_resume(self, fleet: Fleet):
        job_id = fleet.send("pump-1")
        with fleet.platform.unit(ADMIN) as unit:
            assert JobService(unit).pause(job_id, "wait").state == "PAUSED"
        assert fleet.only(job_id).due_at is None
        with fleet.platform.unit(ADMIN) as unit:
            assert JobService(unit).resume(job_id).state == "IN_PROGRESS"
        assert fleet.only(job_id).due_at is not None

    def test_are_listed_for_those_who_may_read(self, fleet: Fleet, first_page: PageRequest):
        north, south = fleet.send("pump-1"), fleet.send("cam-1", title="look around")
        with fleet.platform.unit(actor("viewer", fleet.south), write=False) as unit:
            service = JobService(unit)
            assert [job.id for job in service.list(JobFilter(), first_page).items] == [south]
            with pytest.raises(NotFound):
                service.get(north)
            [one] = service.executions(south, first_page).items
            assert one.device_id == "cam-1"
        with fleet.platform.unit(ADMIN, write=False) as unit:
            service = JobService(unit)
            found = service.list(JobFilter(search="LOOK"), first_page).items
            assert [job.id for job in found] == [south]
            found = service.list(JobFilter(device_id="pump-1"), first_page).items
            assert [job.id for job in found] == [north]
            [one] = ExecutionService(unit).of_device("pump-1", first_page).items
            assert one.job_id == north


class TestHooks:
    def test_a_hello_makes_everything_open_due_but_what_runs(self, fleet: Fleet):
        waiting, running = fleet.only(fleet.send("pump-1")), fleet.only(fleet.send("pump-1"))
        fleet.report("pump-1", running.id, "IN_PROGRESS")
        fleet.presence("pump-1", PresenceState.OFFLINE)
        with fleet.platform.unit(ADMIN) as unit:
            JobHooks().on_unreachable(unit, fleet.key("pump-1"))
        assert fleet.only(waiting.job_id).due_at is None
        assert fleet.only(running.job_id).blocked_by == "device_offline"
        with fleet.platform.unit(ADMIN) as unit:
            JobHooks().on_hello(unit, fleet.key("pump-1"), [running.id])
        assert fleet.only(waiting.job_id).due_at is not None
        assert fleet.only(running.job_id).due_at is None

    def test_a_deleted_device_ends_what_is_open_as_removed(self, fleet: Fleet):
        one = fleet.only(fleet.send("pump-1"))
        with fleet.platform.unit(ADMIN) as unit:
            JobHooks().on_removed(unit, fleet.key("pump-1"))
        assert fleet.only(one.job_id).state == "REMOVED"
        assert fleet.job(one.job_id).state == "COMPLETED"

    def test_an_acknowledgement_for_a_deleted_device_is_taken(self, fleet: Fleet):
        one = fleet.only(fleet.send("pump-1"))
        with fleet.platform.unit(ADMIN) as unit:
            assert [parcel.execution_id for parcel in claim_due(unit, "me", 10)] == [one.id]
        with fleet.platform.unit(ADMIN) as unit:
            DeviceService(unit).delete("pump-1", hooks=DEVICE_HOOKS)
        with fleet.platform.unit(ADMIN) as unit:
            assert mark_sent(unit, [one.id], "me") == []
        assert fleet.only(one.job_id).state == "REMOVED"

    def test_what_a_deletion_could_not_see_is_removed_and_holds_nobody_up(self, fleet: Fleet):
        target = Target(devices=("pump-1", "pump-2"))
        with fleet.platform.unit(ADMIN) as unit:
            planned = JobService(unit).plan(target, "reboot")
        with fleet.platform.unit(ADMIN) as unit:
            DeviceService(unit).delete("pump-1", hooks=DEVICE_HOOKS)
        with fleet.platform.unit(ADMIN) as unit:
            job = make_job(
                *(unit, planned, target),
                job_id=uuid7(),
                document={"name": "reboot", "args": {}},
                title="reboot",
                limits=limits_of(unit, SHORT),
                reason="",
            )
        with fleet.platform.unit(ADMIN) as unit:
            assert len(claim_due(unit, "me", 10)) == 1
        assert [one.state for one in fleet.executions(job.id)] == ["REMOVED", "QUEUED"]

    def test_a_pause_and_hellos_do_not_wait_for_each_other_in_a_circle(self, fleet: Fleet):
        job_id = fleet.send("pump-1", "pump-2")

        def pause() -> None:
            with fleet.platform.unit(ADMIN) as unit:
                JobService(unit).pause(job_id)

        with ThreadPoolExecutor(1) as other:
            with fleet.platform.unit(ADMIN) as unit:
                JobHooks().on_hello(unit, fleet.key("pump-2"), [])
                paused = other.submit(pause)
                wait([paused], timeout=0.5)
                JobHooks().on_hello(unit, fleet.key("pump-1"), [])
            paused.result()
        assert fleet.job(job_id).state == "PAUSED"
        with fleet.platform.unit(ADMIN) as unit:
            assert claim_due(unit, "me", 10) == []

    def test_what_a_hello_could_not_see_is_found_by_the_sweep(self, fleet: Fleet):
        fleet.presence("pump-1", PresenceState.OFFLINE)
        one = fleet.only(fleet.send("pump-1"))
        fleet.presence("pump-1", PresenceState.ONLINE)
        with fleet.platform.unit(ADMIN) as unit:
            assert find_forgotten(unit) == 1
            assert find_forgotten(unit) == 0
        assert fleet.only(one.job_id).due_at is not None


class TestWhy:
    def test_answers_for_this_moment(self, fleet: Fleet):
        one = fleet.only(fleet.send("pump-1"))
        assert fleet.why(one.id).code == "waiting_for_dispatch"
        fleet.presence("pump-1", PresenceState.SLEEPING)
        assert fleet.why(one.id).code == "device_sleeping"
        fleet.report("pump-1", one.id, "FAILED", error=ErrorInfo(code="no_power", message="flat"))
        why = fleet.why(one.id)
        assert (why.code, why.text) == ("no_power", "It ended as FAILED: flat.")
