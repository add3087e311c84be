"""Evaluating a rule: what is over is cleared, what is new is raised, what is explained is hidden.

A step is short and may be lost, doubled or run beside itself: it reads what is stored, and the
unique key of open alarms keeps two from raising one twice. A rule that cannot be evaluated says so
in its `problem`; the others go on.
"""

from collections.abc import Callable
from typing import Any

from sqlalchemy import select, update

from muster_platform.access.models import Group
from muster_platform.alerts.kinds.base import ACTIVE_STATES, Kind, Look
from muster_platform.alerts.kinds.table import KINDS
from muster_platform.alerts.models import Alarm, Rule
from muster_platform.alerts.raising import clear, move, raise_alarm, set_hidden
from muster_platform.alerts.states import Change
from muster_platform.db.chunks import chunks
from muster_platform.devices.models import Device
from muster_platform.errors import MusterError
from muster_platform.logs.store import LogStore
from muster_platform.logs.stores import store_of
from muster_platform.unit import Unit

NEVER = 2**53
"""A rule with nothing left to do is due then."""
CLAIM_MS = 60_000
"""Nobody else evaluates a rule for this long; whoever dies over it makes it this late."""
DISABLED = "The rule was disabled"
DELETED = "The rule was deleted"

Stores = Callable[[Unit], LogStore]


def claim_due(unit: Unit) -> str | None:
    """Take the rule that is due first; give its id, None where none is."""
    due = (
        select(Rule.id)
        .where(Rule.due_at <= unit.now())
        .order_by(Rule.due_at, Rule.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    rule_id = unit.session.scalars(due).one_or_none()
    if rule_id is not None:
        _set_due(unit, rule_id, unit.now() + CLAIM_MS)
    return rule_id


def step(unit: Unit, rule_id: str, limit: int, stores: Stores = store_of) -> int:
    """Take one step of a rule's evaluation.

    Args:
        limit: most alarms of each sort that are touched.

    Returns:
        How many were touched; 0: it is done for now.
    """
    rule = unit.session.get(Rule, rule_id, populate_existing=True)
    if rule is None:
        return 0
    if not rule.enabled or rule.deleted_at is not None:
        return _wind_up(unit, rule, limit)
    look = look_of(unit, rule, stores)
    try:
        # What fails half way leaves nothing behind but the word of it.
        with unit.session.begin_nested():
            return _take(look, rule, limit)
    except MusterError as error:
        rule.problem = error.detail
        unit.session.flush()
        return 0


def done(unit: Unit, rule_id: str) -> None:
    """Note that a rule was evaluated to the end; it is due again by its kind."""
    rule = unit.session.get(Rule, rule_id)
    if rule is None:
        return
    rule.evaluated_at = unit.now()
    every_ms = KINDS[rule.kind].every_s * 1000 if rule.kind in KINDS else CLAIM_MS
    wound_up = not rule.enabled or rule.deleted_at is not None
    unit.session.flush()
    _set_due(unit, rule_id, NEVER if wound_up else unit.now() + every_ms)


def look_of(unit: Unit, rule: Rule, stores: Stores = store_of) -> Look:
    """Give what a rule looks at."""
    return Look(
        unit=unit,
        logs=stores(unit),
        rule_id=rule.id,
        group_path=rule.group_path,
        device_filter=rule.device_filter,
        created_at=rule.created_at,
        remembered=dict(rule.remembered),
    )


def follow_devices(unit: Unit, limit: int) -> int:
    """Let open alarms follow devices that were moved to other groups; give how many did."""
    moved = unit.session.execute(
        select(Alarm.id, Group.path)
        .join(Device, Device.id == Alarm.device_key)
        .join(Group, Group.id == Device.group_id)
        .where(Alarm.open_key.is_not(None), Group.path != Alarm.group_path)
        .limit(limit)
    ).all()
    for alarm_id, path in moved:
        unit.session.execute(update(Alarm).where(Alarm.id == alarm_id).values(group_path=path))
    return len(moved)


def _take(look: Look, rule: Rule, limit: int) -> int:
    kind: Kind[Any] = KINDS[rule.kind]
    params = kind.read(rule.params)
    ended = _still_active(look.unit, kind.over(look, params, limit))
    for alarm, text in ended:
        clear(look.unit, alarm, text)
    shown = _show(look, limit)
    kind.release(look, params)
    raised = _raise(look, rule, kind, params, limit)
    hidden = kind.hide(look, limit)
    for alarm, explained in hidden:
        set_hidden(look.unit, alarm, explained)
    rule.problem, rule.remembered = "", look.remembered
    look.unit.session.flush()
    return len(ended) + shown + raised + len(hidden)


def _still_active(unit: Unit, ended: list[tuple[Alarm, str]]) -> list[tuple[Alarm, str]]:
    """Hold alarms that are about to be cleared; leave out what a person closed meanwhile."""
    ids = [alarm.id for alarm, _ in ended]
    for part in chunks(ids):
        held = select(Alarm).where(Alarm.id.in_(part)).order_by(Alarm.id).with_for_update(of=Alarm)
        unit.session.scalars(held.execution_options(populate_existing=True)).all()
    return [(alarm, text) for alarm, text in ended if alarm.state in ACTIVE_STATES]


def _raise(look: Look, rule: Rule, kind: Kind[Any], params: Any, limit: int) -> int:
    found = kind.confirmed(look, kind.found(look, params, limit))
    # What explains others is raised first.
    first = [one for one in found if one.subject.kind == "group"]
    for some in (first, [one for one in found if one.subject.kind != "group"]):
        explained = kind.explain(look, some)
        for one in some:
            evidence = {
                **kind.illustrate(look, params, one),
                "since": one.since,
                "rule": kind.words(params),
            }
            raise_alarm(
                look.unit,
                rule,
                one.subject,
                evidence,
                title=one.title,
                hidden_by=explained.get(one.subject.key),
            )
    return len(found)


def _show(look: Look, limit: int) -> int:
    """Show alarms again whose explanation is over, or was deleted with its device."""
    still: Any = select(Alarm.id).where(
        Alarm.rule_id == look.rule_id, Alarm.state.in_(ACTIVE_STATES)
    )
    alarms = look.unit.session.scalars(
        select(Alarm)
        .where(
            Alarm.rule_id == look.rule_id,
            Alarm.state.in_(ACTIVE_STATES),
            Alarm.hidden_by.not_in(still),
        )
        .limit(limit)
    ).all()
    for alarm in alarms:
        set_hidden(look.unit, alarm, None)
    return len(alarms)


def _wind_up(unit: Unit, rule: Rule, limit: int) -> int:
    """Clear the alarms of a rule that was disabled; close those of one that was deleted."""
    gone = rule.deleted_at is not None
    chosen = Alarm.open_key.is_not(None) if gone else Alarm.state.in_(ACTIVE_STATES)
    wanted = select(Alarm).where(Alarm.rule_id == rule.id, chosen).order_by(Alarm.id).limit(limit)
    held = wanted.with_for_update(of=Alarm).execution_options(populate_existing=True)
    alarms = unit.session.scalars(held).all()
    for alarm in alarms:
        if gone:
            alarm.resolved_at, alarm.resolved_reason = unit.now(), DELETED
            move(unit, alarm, Change.RESOLVED, DELETED)
        else:
            clear(unit, alarm, DISABLED)
    return len(alarms)


def _set_due(unit: Unit, rule_id: str, at: int) -> None:
    """Set when a rule is due; counts no edit."""
    unit.session.execute(
        update(Rule).where(Rule.id == rule_id).values(due_at=at),
        execution_options={"synchronize_session": False},
    )
