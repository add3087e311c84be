"""What holds an execution back first: one table of codes and sentences, one function that picks.

The first reason in the order of the table that applies is the one that is named: it is what a
person would have to change first.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from muster_platform.jobs.rules import Standing
from muster_protocol.states import ExecutionState, JobState, PresenceState

E = ExecutionState


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What the rules know of an execution's device and job.

    Attributes:
        presence_since: when the presence state began, ms since the epoch.
        resend_after_s: patience with a device that is reachable and does not answer.
    """

    device_id: str
    plain: bool
    disabled_at: int | None
    presence: PresenceState
    presence_since: int
    job_title: str
    job_state: JobState
    job_since: int
    now: int
    resend_after_s: int = 60

    @property
    def away(self) -> bool:
        """Say whether a full device cannot be reached now."""
        return not self.plain and self.presence in _AWAY


_AWAY = frozenset({PresenceState.OFFLINE, PresenceState.SLEEPING, PresenceState.UNKNOWN})


class Block(NamedTuple):
    """The first thing that holds something back.

    Attributes:
        subject: device id, or the job's title.
        since: ms since the epoch.
    """

    code: str
    subject: str
    since: int

    @property
    def text(self) -> str:
        """Give it as one sentence for a person."""
        return TEXTS[self.code].format(subject=self.subject)


TEXTS: dict[str, str] = {
    "job_paused": "The job {subject} is paused; nothing more is sent until it is resumed.",
    "device_disabled": "Device {subject} is disabled; enable it, then it can connect again.",
    "cancel_unconfirmed": "Cancel was requested; {subject} has not confirmed it yet.",
    "device_unknown": "Device {subject} has never connected.",
    "device_offline": "Device {subject} is offline; it gets this when it connects.",
    "device_sleeping": "Device {subject} sleeps; it gets this when it wakes.",
    "waiting_for_dispatch": "It waits to be sent to {subject}, which the part dispatch does.",
    "waiting_for_broker": "It was handed to the broker, which has not acknowledged it ({subject}).",
    "never_heard": "It was sent; {subject} has never connected, so nobody may have received it.",
    "no_report": "It was sent; {subject} is a plain device and has reported nothing.",
    "not_delivered": "It was sent; {subject} is connected and has not confirmed that it has it.",
    "not_started": "Device {subject} has it and has not begun.",
    "in_progress": "Device {subject} is working on it.",
    "in_progress_silent": "Device {subject} began and has said nothing for a while.",
    "waiting_for_inventory": "{subject} says it is done; its inventory does not show it yet.",
    "soaking": "Phase {subject} went well; it is watched for a while before the next one.",
    "waiting_for_hand": "Phase {subject} went well; a person opens the next one.",
}
"""Code -> sentence; {subject} is the device or the job."""

_Rule = tuple[str, Callable[[Standing, Surroundings], int | None]]
"""A code and a function that gives since when it applies, None where it does not."""


def _paused(s: Standing, around: Surroundings) -> int | None:
    paused = around.job_state is JobState.PAUSED and s.handed_at is None
    return around.job_since if paused else None


def _presence(state: PresenceState) -> Callable[[Standing, Surroundings], int | None]:
    def rule(s: Standing, around: Surroundings) -> int | None:
        holds = not around.plain and around.presence is state and s.state is not E.VERIFYING
        return max(around.presence_since, s.queued_at) if holds else None

    return rule


def _never_heard(s: Standing, around: Surroundings) -> int | None:
    """A plain device gets it whatever its presence: here nobody was ever seen to be there."""
    unheard = around.plain and around.presence is PresenceState.UNKNOWN
    return s.sent_at if unheard and s.state is E.SENT else None


def _silent(s: Standing, around: Surroundings) -> int | None:
    last = max(s.heard_at or 0, s.started_at or 0)
    quiet = around.now - last > around.resend_after_s * 1000
    return last if s.state is E.IN_PROGRESS and quiet else None


_RULES: tuple[_Rule, ...] = (
    ("job_paused", _paused),
    ("device_disabled", lambda _, around: around.disabled_at),
    ("device_unknown", _presence(PresenceState.UNKNOWN)),
    ("device_offline", _presence(PresenceState.OFFLINE)),
    ("device_sleeping", _presence(PresenceState.SLEEPING)),
    ("never_heard", _never_heard),
    ("cancel_unconfirmed", lambda s, _: s.cancel_requested_at),
    (
        "waiting_for_broker",
        lambda s, _: s.handed_at if s.state is E.QUEUED and s.sent_at is None else None,
    ),
    ("waiting_for_dispatch", lambda s, _: s.queued_at if s.state is E.QUEUED else None),
    ("no_report", lambda s, around: s.sent_at if s.state is E.SENT and around.plain else None),
    ("not_delivered", lambda s, _: s.sent_at if s.state is E.SENT else None),
    ("not_started", lambda s, _: s.delivered_at if s.state is E.DELIVERED else None),
    ("in_progress_silent", _silent),
    ("in_progress", lambda s, _: s.started_at if s.state is E.IN_PROGRESS else None),
    ("waiting_for_inventory", lambda s, _: s.heard_at if s.state is E.VERIFYING else None),
)


def blocked_by(standing: Standing, around: Surroundings) -> Block | None:
    """Name what holds the execution back first; None for an ended one."""
    if standing.ended:
        return None
    for code, rule in _RULES:
        since = rule(standing, around)
        if since is not None:
            subject = around.job_title if code == "job_paused" else around.device_id
            return Block(code, subject, since)
    return Block("waiting_for_dispatch", around.device_id, standing.queued_at)
