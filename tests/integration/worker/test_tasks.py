"""What the worker did is kept: runs that mattered, rhythms, what people asked for."""

import itertools
from collections.abc import Callable

import pytest

from muster_platform import config
from muster_platform.clock import SystemClock
from muster_platform.errors import Conflict, InvalidInput, NotFound, PermissionDenied
from muster_platform.outbox import Touched
from muster_platform.paging import PageRequest
from muster_platform.tasks import recording
from muster_platform.tasks.models import TaskRun
from muster_platform.tasks.recording import Beginning, Rhythm
from muster_platform.tasks.service import TaskFilter, TaskService
from muster_platform.worker import recorded as module
from muster_platform.worker.recorded import TaskCanceled, WatchedPlatform, recorded
from muster_platform.worker.task_passes import clean_tasks, run_requested
from tests.integration.jobs.conftest import Fleet
from tests.integration.worker.test_worker import eventually
from tests.services.database import ADMIN, TestPlatform, actor
from tests.services.muster import MusterProcess
from tests.services.valkey import Valkey

_NUMBERS = itertools.count(1)


def beginning(name="sweep", trigger="schedule", run_id=None):
    return Beginning(
        id=run_id or f"run-{next(_NUMBERS)}",
        name=name,
        trigger=trigger,
        actor_name="schedule",
        worker="here:1",
        queued_at=1_700_000_000_000,
    )


def runs(platform, **wanted):
    with platform.unit(ADMIN, write=False) as unit:
        return TaskService(unit).page(TaskFilter(**wanted), PageRequest(50)).items


def schedule(platform, name):
    with platform.unit(ADMIN, write=False) as unit:
        return next(one for one in TaskService(unit).schedules() if one.row.name == name)


@pytest.fixture(autouse=True)
def rhythms(platform: TestPlatform) -> None:
    given = [Rhythm(name=name, words=name, every_s=5.0, wakes="") for name in ("sweep", "mail")]
    with platform.unit(ADMIN) as unit:
        recording.announce(unit, given)


def test_a_run_that_did_something_is_kept_with_its_times_and_result(platform):
    def work(given):
        platform.time.advance(ms=250)
        return 3

    recorded(platform, work, beginning())
    (run,) = runs(platform)
    assert (run.name, run.state, run.result, run.attempts) == ("sweep", "succeeded", 3, 1)
    assert run.ended_at - run.started_at == 250
    assert schedule(platform, "sweep").row.longest_ms == 250


def test_a_run_that_found_nothing_is_counted_and_not_kept(platform):
    for _ in range(3):
        recorded(platform, lambda given: 0, beginning())
    assert runs(platform) == []
    row = schedule(platform, "sweep").row
    assert (row.runs, row.idle, row.ended_state) == (3, 3, "succeeded")


def test_a_run_that_fails_is_kept_with_why_and_the_error_goes_on(platform):
    def work(given):
        raise ValueError("no\x00 disk")

    with pytest.raises(ValueError, match="disk"):
        recorded(platform, work, beginning())
    (run,) = runs(platform, state="failed")
    assert run.error.startswith("ValueError: no")
    assert "\x00" not in run.error
    assert schedule(platform, "sweep").row.failures == 1


def test_what_a_run_moved_on_is_named_and_found_by(platform):
    def work(given):
        with given.unit(ADMIN) as unit:
            unit.outbox.touched.append(Touched("job", "j1", "Reboot", "ann"))
        return 0

    recorded(platform, work, beginning())
    (run,) = runs(platform, subject="job:j1")
    assert [(one.title, one.actor_name) for one in run.subjects] == [("Reboot", "ann")]
    assert runs(platform, subject="job:other") == []


def test_a_run_that_is_asked_to_stop_stops_before_its_next_step(platform, monkeypatch):
    monkeypatch.setattr(module, "LOOK_EVERY_S", 0.0)
    steps = []

    def work(given):
        for number in range(3):
            with given.unit(ADMIN):
                steps.append(number)
            if number == 0:
                with platform.unit(ADMIN) as unit:
                    TaskService(unit).cancel("run-x")
        return 3

    assert recorded(platform, work, beginning(run_id="run-x")) == 0
    assert steps == [0]
    (run,) = runs(platform)
    assert run.state == "canceled"


def test_a_stopped_run_is_no_error_for_celery(platform):
    def work(given):
        raise TaskCanceled

    assert recorded(platform, work, beginning()) == 0


def test_a_person_s_run_is_begun_once_and_kept_though_it_found_nothing(platform):
    with platform.unit(actor("administrator")) as unit:
        first, second = TaskService(unit).run_now("sweep"), TaskService(unit).run_now("sweep")
    assert first.id == second.id
    seen = []
    tasks = {"sweep": lambda given: seen.append(type(given)) or 0}
    assert run_requested(platform, tasks) == 1
    assert run_requested(platform, tasks) == 0
    assert seen == [WatchedPlatform]
    (run,) = runs(platform)
    assert (run.state, run.actor_name) == ("succeeded", "someone@example.org")


def test_a_person_s_run_that_was_canceled_never_begins(platform):
    with platform.unit(ADMIN) as unit:
        run = TaskService(unit).run_now("sweep")
    with platform.unit(ADMIN) as unit:
        TaskService(unit).cancel(run.id)
    assert run_requested(platform, {"sweep": lambda given: pytest.fail("it ran")}) == 0
    assert [one.state for one in runs(platform)] == ["canceled"]
    assert recorded(platform, lambda given: pytest.fail("it ran"), beginning(run_id=run.id)) == 0


def test_what_failed_is_tried_again_and_what_succeeded_is_not(platform):
    def fail(given):
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk"):
        recorded(platform, fail, beginning(run_id="bad"))
    recorded(platform, lambda given: 1, beginning(run_id="good"))
    with platform.unit(ADMIN) as unit:
        assert TaskService(unit).retry("bad").retry_of == "bad"
        with pytest.raises(Conflict, match="succeeded"):
            TaskService(unit).retry("good")
        with pytest.raises(Conflict, match="succeeded"):
            TaskService(unit).cancel("good")
        with pytest.raises(NotFound):
            TaskService(unit).retry("none")


def test_a_task_that_is_in_no_schedule_cannot_be_asked_for(platform):
    with platform.unit(ADMIN) as unit:
        recording.announce(unit, [Rhythm(name="mail", words="", every_s=1.0, wakes="")])
    with platform.unit(ADMIN) as unit:
        assert [one.row.name for one in TaskService(unit).schedules()] == ["mail"]
        with pytest.raises(NotFound):
            TaskService(unit).run_now("sweep")


def test_a_run_whose_worker_is_gone_is_lost_and_comes_back_as_a_second_attempt(platform):
    with platform.unit(ADMIN) as unit:
        recording.begin(unit, beginning(run_id="r"))
    platform.time.advance(s=120)
    with platform.unit(ADMIN) as unit:
        assert recording.note_lost(unit, {"here:1"}) == 0
        assert recording.note_lost(unit, {"here:2"}) == 1
    assert [one.state for one in runs(platform)] == ["lost"]
    recorded(platform, lambda given: 0, beginning(run_id="r"))
    (run,) = runs(platform)
    assert (run.state, run.attempts) == ("succeeded", 2)


def test_a_task_that_does_not_run_any_more_is_late(platform):
    assert not schedule(platform, "mail").late  # nobody has waited for it yet
    platform.time.advance(s=5 * 3 + 61)
    recorded(platform, lambda given: 0, beginning())
    assert not schedule(platform, "sweep").late
    assert schedule(platform, "mail").late  # it never ran
    platform.time.advance(s=5 * 3 + 61)
    assert schedule(platform, "sweep").late


def test_a_schedule_that_starts_finds_what_is_overdue(platform):
    recorded(platform, lambda given: 0, beginning())
    with platform.unit(ADMIN, write=False) as unit:
        assert recording.overdue(unit) == ["mail"]
    platform.time.advance(s=5)
    with platform.unit(ADMIN, write=False) as unit:
        assert sorted(recording.overdue(unit)) == ["mail", "sweep"]


def test_old_runs_are_forgotten_and_open_ones_are_not(platform):
    for run_id in ("old", "open"):
        with platform.unit(ADMIN) as unit:
            recording.begin(unit, beginning(run_id=run_id))
    with platform.unit(ADMIN) as unit:
        recording.end(unit, "old", "succeeded", 1, "", [Touched("job", "j", "Job")])
    platform.time.advance(s=20 * 86_400)
    assert clean_tasks(platform) == 1
    assert [run.id for run in runs(platform)] == ["open"]


def test_only_who_may_sees_and_steers(platform):
    with platform.unit(actor("operator")) as unit, pytest.raises(PermissionDenied):
        TaskService(unit).page(TaskFilter(), PageRequest(50))
    with platform.unit(actor("auditor")) as unit:
        TaskService(unit).schedules()
        with pytest.raises(PermissionDenied):
            TaskService(unit).run_now("sweep")


def test_a_filter_says_what_is_wrong_with_it():
    for wrong in ({"state": "x"}, {"trigger": "x"}, {"subject": "job"}):
        with pytest.raises(InvalidInput) as error:
            TaskFilter(**wrong)
        assert error.value.where == next(iter(wrong))


def test_a_record_that_cannot_be_written_stops_no_work(platform, tmp_path, monkeypatch):
    away = TestPlatform(f"sqlite:///{tmp_path / 'none' / 'muster.db'}", tmp_path / "state")
    assert recorded(away, lambda given: 7, beginning()) == 7
    away.close()


def test_a_real_worker_keeps_what_it_did_and_runs_what_is_asked(
    fleet: Fleet, valkey: Valkey, muster_process: Callable[..., MusterProcess]
):
    fleet.platform.clock = SystemClock()
    fleet.platform.configure(redis_url=valkey.url, sweep_every_s=1)
    worker = muster_process("worker", "--beat", env=config.environment(fleet.platform.settings))
    worker.wait_for("ready")
    with fleet.platform.unit(ADMIN) as unit:
        asked = TaskService(unit).run_now("clean_tokens").id
    platform = fleet.platform

    def ended():
        with platform.unit(ADMIN, write=False) as unit:
            run = unit.session.get(TaskRun, asked)
            return run is not None and run.state == "succeeded"

    eventually(ended, "the run that was asked for")
    eventually(lambda: schedule(platform, "advance_jobs").row.runs, "a run by rhythm")
    assert not schedule(platform, "advance_jobs").late
    assert worker.terminate() == 0
