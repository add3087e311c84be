"""What a kind of rule is: parameters that are checked, what it finds, what is over.

`evaluate` knows nothing else of a kind. A kind asks the database in sets, never device by device.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, Generic, TypeVar

import msgspec
from msgspec import Meta
from sqlalchemy import select

from muster_platform.access.models import Group
from muster_platform.access.permissions import Permission
from muster_platform.alerts.models import Alarm, RuleHold
from muster_platform.alerts.raising import Subject
from muster_platform.alerts.states import ACTIVE
from muster_platform.errors import InvalidInput
from muster_platform.logs.store import LogStore
from muster_platform.unit import Unit

P = TypeVar("P", bound="Params")

DAY_S = 86_400
Seconds = Annotated[int, Meta(ge=0, le=30 * DAY_S)]
Window = Annotated[int, Meta(ge=10, le=DAY_S)]
MetricName = Annotated[str, Meta(min_length=1, max_length=160)]

ACTIVE_STATES = tuple(sorted(map(str, ACTIVE)))


class Params(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of the parameters of a kind."""

    def check(self) -> None:
        """Refuse what fits each field and makes no sense together.

        Raises:
            InvalidInput: naming the field as `params.<name>`.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What a rule looks at.

    Attributes:
        unit: in the platform's own name.
        rule_id: "" where the rule is only tried.
        group_path: what is in this group or inside it.
        device_filter: as in Rule.
        remembered: as in Rule; a kind may change it.
        fresh: leave out what has an active alarm, or was resolved by hand and is not over.
    """

    unit: Unit
    logs: LogStore
    rule_id: str
    group_path: str
    device_filter: dict[str, Any]
    created_at: int
    remembered: dict[str, Any] = field(default_factory=dict)
    fresh: bool = True

    @property
    def now(self) -> int:
        """Give the time, ms since the epoch."""
        return self.unit.now()


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Trouble with one subject.

    Attributes:
        since: when it began, ms since the epoch.
        evidence: {values: [{name, value, at?}], records: [{id, ts, level, message}]}.
    """

    subject: Subject
    title: str
    since: int
    evidence: dict[str, Any]


class Kind(ABC, Generic[P]):
    """One kind of rule.

    Attributes:
        name: as it is stored.
        title: for people.
        needs: what the author must be allowed to read on the rule's group.
        whole_only: it knows no groups, so its rules stand at the root.
        picks_devices: a rule of it may have a device filter.
        every_s: shortest time between two evaluations.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    needs: ClassVar[Permission]
    params: ClassVar[type[Params]]
    whole_only: ClassVar[bool] = False
    picks_devices: ClassVar[bool] = True
    every_s: ClassVar[int] = 10

    def read(self, document: Any) -> P:
        """Read parameters.

        Raises:
            InvalidInput: naming the field.
        """
        try:
            found: Any = msgspec.convert(document, self.params)
        except msgspec.ValidationError as error:
            what, _, path = str(error).partition(" - at `$")
            where = "params" + path.rstrip("`")
            raise InvalidInput(f"{self.title}: {what}", where=where) from error
        found.check()
        read: P = found
        return read

    @abstractmethod
    def words(self, params: P) -> str:
        """Say in a few words when it raises."""

    @abstractmethod
    def found(self, look: Look, params: P, limit: int) -> list[Finding]:
        """Give what is in trouble now, at most so many; see Look.fresh."""

    @abstractmethod
    def over(self, look: Look, params: P, limit: int) -> list[tuple[Alarm, str]]:
        """Give the active alarms of the rule whose condition has ended, each with words."""

    @abstractmethod
    def release(self, look: Look, params: P) -> None:
        """Forget the holds whose condition has ended."""

    def count(self, look: Look, params: P, most: int) -> int:
        """Count what `found` gives without a limit, up to `most`."""
        return len(self.found(look, params, most))

    def illustrate(self, look: Look, params: P, finding: Finding) -> dict[str, Any]:  # noqa: ARG002
        """Give the evidence of a finding that an alarm is about to be raised for."""
        return finding.evidence

    def confirmed(self, look: Look, findings: Sequence[Finding]) -> list[Finding]:  # noqa: ARG002
        """Ask again, right before alarms are raised; give those that are still true."""
        return list(findings)

    def explain(self, look: Look, findings: Sequence[Finding]) -> dict[str, str]:  # noqa: ARG002
        """Give the alarm that explains a finding: {subject key: alarm id}."""
        return {}

    def hide(self, look: Look, limit: int) -> list[tuple[Alarm, str]]:  # noqa: ARG002
        """Give the alarms to hide, each with the id of the alarm that explains it."""
        return []


class FewKind(Kind[P]):
    """A kind whose subjects are few enough to be read one by one."""

    MOST: ClassVar[int] = 1_000

    @abstractmethod
    def all(self, look: Look, params: P, limit: int) -> list[Finding]:
        """Give all that is in trouble, whether it has an alarm or not."""

    @abstractmethod
    def ended(self, look: Look, params: P, subjects: Sequence[str]) -> dict[str, str]:
        """Give of some subjects (ids within the kind) those for which it is over, with words."""

    def found(self, look: Look, params: P, limit: int) -> list[Finding]:
        """See Kind."""
        found = self.all(look, params, self.MOST)
        if look.fresh:
            known = {f"{a.subject_kind}:{a.subject_id}" for a in active(look, None)} | held(look)
            found = [one for one in found if one.subject.key not in known]
        return found[:limit]

    def over(self, look: Look, params: P, limit: int) -> list[tuple[Alarm, str]]:
        """See Kind."""
        alarms = active(look, self.MOST)
        ended = self.ended(look, params, [alarm.subject_id for alarm in alarms])
        return [(a, ended[a.subject_id]) for a in alarms if a.subject_id in ended][:limit]

    def release(self, look: Look, params: P) -> None:
        """See Kind."""
        keys = sorted(held(look))
        if keys:
            ended = self.ended(look, params, [key.partition(":")[2] for key in keys])
            forget(look, [key for key in keys if key.partition(":")[2] in ended])


def active(look: Look, limit: int | None, *kinds: str) -> Sequence[Alarm]:
    """Read the active alarms of the rule, those longest unseen first.

    Args:
        kinds: of subjects; none for all.
    """
    if not look.rule_id:
        return []
    statement = (
        select(Alarm)
        .where(Alarm.rule_id == look.rule_id, Alarm.state.in_(ACTIVE_STATES))
        .order_by(Alarm.last_at, Alarm.id)
        .limit(limit)
    )
    if kinds:
        statement = statement.where(Alarm.subject_kind.in_(kinds))
    return look.unit.session.scalars(statement).all()


def held(look: Look) -> set[str]:
    """Read the subjects that were resolved by hand and are not over."""
    found = select(RuleHold.subject).where(RuleHold.rule_id == look.rule_id)
    return set(look.unit.session.scalars(found))


def forget(look: Look, keys: Sequence[str]) -> None:
    """Forget holds."""
    for key in keys:
        row = look.unit.session.get(RuleHold, (look.rule_id, key))
        if row is not None:
            look.unit.session.delete(row)
    look.unit.session.flush()


def group_subject(look: Look, path: str) -> Subject:
    """Give a group as a subject."""
    group_id = path.rstrip("/").rpartition("/")[2]
    group = look.unit.session.get(Group, int(group_id))
    name = group.name if group is not None else path
    return Subject(kind="group", id=group_id, name=name, group_path=path)


def value(name: str, seen: Any, at: int | None = None) -> dict[str, Any]:
    """Write a value of the evidence."""
    found = {"name": name, "value": seen}
    return found if at is None else {**found, "at": at}
