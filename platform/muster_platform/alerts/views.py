"""Rules and alarms as they are shown outside."""

from dataclasses import dataclass, field
from typing import Any

from muster_platform.alerts.states import AlarmState, Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleView:
    """A rule.

    Attributes:
        words: in a few words when it raises.
        group_id, group_name: it looks at what is in this group or inside it.
        device_filter: {} for all devices.
        problem: why it cannot be evaluated, "" where it can.
        active: alarms of it that are active and that the reader may see.
        version: of the rule, for `If-Match`.
    """

    id: str
    name: str
    kind: str
    words: str
    params: dict[str, Any]
    severity: Severity
    group_id: int
    group_name: str
    device_filter: dict[str, Any]
    labels: dict[str, str]
    enabled: bool
    builtin: str | None
    author_name: str
    evaluated_at: int | None
    problem: str
    active: int
    created_at: int
    updated_at: int
    version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmView:
    """An alarm.

    Attributes:
        kind: of its rule.
        device_id: of the device that it is about, None where it is about none.
        counter: how often the condition began while it was open.
        evidence: what showed it: {values: [{name, value, at}], records: […], rule, since}.
        hidden_by: id of the alarm that explains it.
        first_at, active_at: raised first, raised last; ms since the epoch.
        version: for `If-Match`.
    """

    id: str
    title: str
    severity: Severity
    state: AlarmState
    rule_id: str
    rule_name: str
    kind: str
    subject_kind: str
    subject_id: str
    subject_name: str
    device_id: str | None
    group_id: int
    group_name: str
    counter: int
    evidence: dict[str, Any]
    labels: dict[str, str]
    hidden_by: str | None
    first_at: int
    active_at: int
    last_at: int
    acknowledged_at: int | None
    acknowledged_by: str
    cleared_at: int | None
    resolved_at: int | None
    resolved_by: str
    resolved_reason: str
    assignee_id: str | None
    assignee_name: str | None
    version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmEventView:
    """A line of an alarm's history; `text` is a comment, a reason, or what was seen."""

    id: int
    at: int
    change: str
    actor_name: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmFilter:
    """Which alarms; what is None or empty does not narrow.

    Attributes:
        states: any of these.
        text: words that all occur in the title.
        assignee: id of a user; "" for those of nobody.
        subject_kind, subject_id: about this.
        since: raised since then, ms since the epoch.
        hidden: with those that another alarm explains.
    """

    states: frozenset[AlarmState] = frozenset()
    severities: frozenset[Severity] = frozenset()
    text: str = ""
    rule_id: str | None = None
    device_id: str | None = None
    group_id: int | None = None
    subject_kind: str | None = None
    subject_id: str | None = None
    assignee: str | None = None
    hidden_by: str | None = None
    since: int | None = None
    hidden: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PreviewLine:
    """One subject that a rule would raise an alarm for."""

    subject_kind: str
    subject_id: str
    subject_name: str
    title: str
    since: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What a rule would raise if it were evaluated now.

    Attributes:
        words: in a few words when it raises.
        count: how many; `lines` shows the first of them.
        devices: how many devices it looks at, None where it looks at none.
    """

    words: str
    count: int
    devices: int | None
    lines: list[PreviewLine] = field(default_factory=list)
