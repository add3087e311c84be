"""Rules on what the platform does: jobs that fail, parts that are down, messages not taken."""

from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import Annotated, Any, Literal

from msgspec import Meta
from sqlalchemy import func, or_, select

from muster_platform.access.models import ROOT_GROUP_ID
from muster_platform.access.permissions import Permission
from muster_platform.alerts.kinds.base import (
    DAY_S,
    FewKind,
    Finding,
    Look,
    Params,
    Seconds,
    Window,
    group_subject,
    value,
)
from muster_platform.alerts.kinds.devices import devices, subject_of
from muster_platform.alerts.raising import Subject
from muster_platform.alerts.rules import Count, duration_words, failed_share
from muster_platform.devices.models import Device
from muster_platform.devices.stream_models import Quarantined
from muster_platform.jobs.counting import ENDED, counts_of
from muster_platform.jobs.failing import FAILED
from muster_platform.jobs.models import Job
from muster_platform.parts.service import PartService, PartState

ROOT_PATH = f"{ROOT_GROUP_ID}/"
PART_WORDS: dict[str, str] = {"warn": "unwell", "bad": "down"}
"""State of a part that is not well -> how people say it."""
JOBS = 1_000
SHOWN_MS = DAY_S * 1000
"""A job that ended longer ago is not held against anybody any more."""


class FailureParams(Params, frozen=True, kw_only=True):
    """A job that fails on too many devices.

    Attributes:
        job_kind: command or update; "" for any.
        share: of the executions that ended, 0 to 1.
        least: how many must have failed at least.
    """

    job_kind: Annotated[str, Meta(max_length=16)] = ""
    share: Annotated[float, Meta(gt=0, le=1)] = 0.2
    least: Annotated[int, Meta(ge=1, le=1_000_000)] = 3


class PartParams(Params, frozen=True, kw_only=True):
    """A part of the platform that is not well.

    Attributes:
        part: its name; * stands for anything.
        state: bad, or warn for that and bad.
        for_s: for how long.
    """

    part: Annotated[str, Meta(min_length=1, max_length=32)] = "*"
    state: Literal["warn", "bad"] = "bad"
    for_s: Seconds = 30


class QuarantineParams(Params, frozen=True, kw_only=True):
    """Messages that could not be taken.

    Attributes:
        count: so many within window_s, of one device.
    """

    count: Annotated[int, Meta(ge=1, le=1_000_000)] = 50
    window_s: Window = 900


class ExecutionFailures(FewKind[FailureParams]):
    """Execution failure share."""

    name, title = "execution_failures", "Executions failing"
    needs, params = Permission.COMMANDS_READ, FailureParams
    picks_devices = False

    def words(self, params: FailureParams) -> str:
        """See Kind."""
        what = f"{params.job_kind} jobs" if params.job_kind else "jobs"
        return f"{what} that fail on {params.share:.0%} of the devices, {params.least} at least"

    def all(self, look: Look, params: FailureParams, limit: int) -> list[Finding]:
        """See FewKind."""
        statement = (
            select(Job)
            .where(
                or_(Job.ended_at.is_(None), Job.ended_at > look.now - SHOWN_MS),
                Job.device_count >= params.least,
                Job.group_path.startswith(look.group_path, autoescape=True),
            )
            .order_by(Job.created_at.desc())
            .limit(min(limit, JOBS))
        )
        if params.job_kind:
            statement = statement.where(Job.kind == params.job_kind)
        jobs = {job.id: job for job in look.unit.session.scalars(statement)}
        counted = counts_of(look.unit.session, jobs)
        standings = ((jobs[key], failed_share(c, FAILED, ENDED)) for key, c in counted.items())
        return [self._finding(job, seen) for job, seen in standings if _fails(params, seen)]

    def ended(self, look: Look, params: FailureParams, subjects: Sequence[str]) -> dict[str, str]:
        """See FewKind."""
        rows = look.unit.session.scalars(select(Job).where(Job.id.in_(subjects)))
        jobs = {job.id: job for job in rows}
        counted = counts_of(look.unit.session, jobs)
        found = {key: "The job is gone" for key in subjects if key not in jobs}
        for key, job in jobs.items():
            seen = failed_share(counted[key], FAILED, ENDED)
            if job.ended_at is not None and job.ended_at <= look.now - SHOWN_MS:
                found[key] = "The job ended a day ago"
            elif not _fails(params, seen):
                found[key] = f"{seen.away} of {seen.devices} failed"
        return found

    def _finding(self, job: Job, seen: Count) -> Finding:
        return Finding(
            subject=Subject(kind="job", id=job.id, name=job.title, group_path=job.group_path),
            title=f"{job.title}: {seen.away} of {seen.devices} devices failed",
            since=job.created_at,
            evidence={
                "values": [
                    value("failed", seen.away),
                    value("ended", seen.devices),
                    value("devices", job.device_count),
                ]
            },
        )


class PartDown(FewKind[PartParams]):
    """Platform part down."""

    name, title = "part_down", "Part of the platform down"
    needs, params = Permission.SYSTEM_READ, PartParams
    whole_only, picks_devices = True, False

    def words(self, params: PartParams) -> str:
        """See Kind."""
        part = "any part" if params.part == "*" else params.part
        return f"{part} is {PART_WORDS[params.state]} for {duration_words(params.for_s)}"

    def all(self, look: Look, params: PartParams, limit: int) -> list[Finding]:
        """See FewKind."""
        found: dict[str, Finding] = {}
        for part in self._unwell(look, params):
            if part.since <= look.now - params.for_s * 1000:
                found.setdefault(part.name, _part_finding(part))
        return list(found.values())[:limit]

    def ended(self, look: Look, params: PartParams, subjects: Sequence[str]) -> dict[str, str]:
        """See FewKind."""
        unwell = {part.name for part in self._unwell(look, params)}
        return {name: "It works again" for name in subjects if name not in unwell}

    def _unwell(self, look: Look, params: PartParams) -> list[PartState]:
        states = ("bad",) if params.state == "bad" else ("warn", "bad")
        parts = PartService(look.unit).list()
        return [p for p in parts if p.state in states and fnmatchcase(p.name, params.part)]


class QuarantineGrows(FewKind[QuarantineParams]):
    """Quarantine growth."""

    name, title = "quarantine_grows", "Messages not taken"
    needs, params = Permission.DEVICES_READ, QuarantineParams
    every_s = 30

    def words(self, params: QuarantineParams) -> str:
        """See Kind."""
        window = duration_words(params.window_s)
        return f"{params.count} or more messages in quarantine in {window}"

    def all(self, look: Look, params: QuarantineParams, limit: int) -> list[Finding]:
        """See FewKind."""
        counted = self._counted(look, params, limit)
        keys = [key for key in counted if key is not None]
        rows = look.unit.session.execute(devices(look).where(Device.id.in_(keys)))
        found = [self._finding(look, params, subject_of(row), counted[row.key]) for row in rows]
        if None in counted and look.group_path == ROOT_PATH and not look.device_filter:
            root = group_subject(look, ROOT_PATH)
            found.append(self._finding(look, params, root, counted[None], "unknown senders"))
        return found

    def ended(
        self, look: Look, params: QuarantineParams, subjects: Sequence[str]
    ) -> dict[str, str]:
        """See FewKind."""
        still = {one.subject.id for one in self.all(look, params, self.MOST)}
        window = duration_words(params.window_s)
        text = f"Fewer than {params.count} in the last {window}"
        return {name: text for name in subjects if name not in still}

    def _counted(self, look: Look, params: QuarantineParams, limit: int) -> dict[int | None, int]:
        number = func.count()
        rows = look.unit.session.execute(
            select(Quarantined.device_key, number)
            .where(Quarantined.received_at > look.now - params.window_s * 1000)
            .group_by(Quarantined.device_key)
            .having(number >= params.count)
            .order_by(number.desc())
            .limit(limit)
        )
        return {row[0]: row[1] for row in rows}

    def _finding(
        self, look: Look, params: QuarantineParams, subject: Subject, number: int, of: str = ""
    ) -> Finding:
        window = duration_words(params.window_s)
        return Finding(
            subject=subject,
            title=f"{of or subject.name}: {number} messages not taken in {window}",
            since=look.now,
            evidence={"values": [value("in quarantine", number)]},
        )


def _fails(params: FailureParams, seen: Count) -> bool:
    return seen.away >= params.least and seen.share >= params.share


def _part_finding(part: PartState) -> Finding:
    subject: Any = Subject(kind="part", id=part.name, name=part.name, group_path=ROOT_PATH)
    detail = f": {part.detail}" if part.detail else ""
    return Finding(
        subject=subject,
        title=f"{part.name} is {PART_WORDS[part.state]}{detail}",
        since=part.since,
        evidence={
            "values": [
                value("state", part.state, part.since),
                *(value(name, number) for name, number in sorted(part.figures.items())),
            ]
        },
    )
