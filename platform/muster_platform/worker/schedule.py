"""The one table of what runs when."""

from collections.abc import Callable
from typing import NamedTuple

from muster_platform.bootstrap import Platform
from muster_platform.settings import Settings
from muster_platform.worker import passes, registry, retention
from muster_platform.worker.alarms import evaluate_rules
from muster_platform.worker.audit import verify_audit
from muster_platform.worker.elastic import drop_log_days
from muster_platform.worker.mails import clean_sign_ins, send_mails
from muster_platform.worker.task_passes import clean_tasks, note_lost, run_requested
from muster_platform.worker.telling import tell_alarms
from muster_platform.worker.tick import EVERY_S, tick
from muster_platform.worker.updates import clean_artifacts, push_updates

HOUR_S = 3600.0


class Periodic(NamedTuple):
    """One task and its rhythm.

    Attributes:
        name: of the Celery task, below `muster.`.
        run: what it does; gives how much there was.
        every_s: seconds between two, by the settings.
        wakes: also run soon after this wake-up is heard ("" for none).
    """

    name: str
    run: Callable[[Platform], int]
    every_s: Callable[[Settings], float]
    wakes: str = ""

    @property
    def words(self) -> str:
        """Say what it does, for people."""
        return (self.run.__doc__ or "").partition("\n")[0].partition(";")[0].rstrip(".")


def _run_requested(platform: Platform) -> int:
    """Run what a person asked for on the page of tasks."""
    return run_requested(platform, {row.name: row.run for row in SCHEDULE})


def _sweep(settings: Settings) -> float:
    return float(settings.sweep_every_s)


SCHEDULE: tuple[Periodic, ...] = (
    Periodic("tick", tick, lambda _: EVERY_S),
    Periodic("sweep_limits", passes.sweep_limits, _sweep),
    Periodic("advance_jobs", passes.advance_jobs, _sweep, wakes="jobs"),
    Periodic("advance_bulk", passes.advance_bulk, _sweep, wakes="bulk"),
    Periodic("bring_settings", passes.bring_settings, _sweep, wakes="settings"),
    Periodic("sweep_presence", passes.sweep_presence, _sweep),
    Periodic("evaluate_rules", evaluate_rules, _sweep, wakes="rules"),
    Periodic("find_forgotten", passes.find_forgotten, lambda s: 6.0 * s.sweep_every_s),
    Periodic("care_for_partitions", retention.care_for_partitions, lambda _: HOUR_S / 6),
    Periodic("clean_data", retention.clean_data, lambda _: HOUR_S / 12),
    Periodic("drop_log_days", drop_log_days, lambda _: HOUR_S),
    Periodic("clean_idempotency", passes.clean_idempotency, lambda _: HOUR_S),
    Periodic("clean_tokens", passes.clean_tokens, lambda _: HOUR_S),
    Periodic("purge_deleted", registry.purge_deleted, lambda _: 60.0, wakes="purge"),
    Periodic("expire_requests", registry.expire_requests, lambda _: HOUR_S),
    Periodic("clean_imports", registry.clean_imports, lambda _: HOUR_S),
    Periodic("tell_alarms", tell_alarms, lambda _: 10.0, wakes="alerts"),
    Periodic("send_mails", send_mails, lambda _: 15.0, wakes="mails"),
    Periodic("clean_sign_ins", clean_sign_ins, lambda _: HOUR_S),
    Periodic("push_updates", push_updates, lambda _: 15.0),
    Periodic("clean_artifacts", clean_artifacts, lambda _: HOUR_S),
    Periodic("verify_audit", verify_audit, lambda _: HOUR_S),
    Periodic("run_requested", _run_requested, lambda _: 15.0, wakes="tasks"),
    Periodic("note_lost_tasks", note_lost, lambda _: 60.0),
    Periodic("clean_tasks", clean_tasks, lambda _: HOUR_S),
)
