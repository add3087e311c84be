"""Rules: made, tried, edited, switched off and deleted by people."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from msgspec import UNSET, UnsetType
from sqlalchemy import func, select

from muster_platform.access import audit
from muster_platform.access.actor import system_actor
from muster_platform.access.groups import group_by_id
from muster_platform.access.models import ROOT_GROUP_ID, Group
from muster_platform.access.narrow import permitted, require_on
from muster_platform.access.permissions import Permission
from muster_platform.alerts.alarm_query import counted_by_rule
from muster_platform.alerts.evaluate import Stores
from muster_platform.alerts.kinds.base import Kind, Look
from muster_platform.alerts.kinds.devices import devices
from muster_platform.alerts.kinds.table import KINDS, kind_of
from muster_platform.alerts.models import NAME_CHARS, Rule
from muster_platform.alerts.states import Severity
from muster_platform.alerts.views import Preview, PreviewLine, RuleView
from muster_platform.db.text import clean, clean_json
from muster_platform.devices.filters import conditions
from muster_platform.devices.selection import filter_document, parse_filter
from muster_platform.errors import Conflict, InvalidInput, NotFound
from muster_platform.logs.stores import store_of
from muster_platform.outbox import WAKE_RULES, Wake
from muster_platform.paging import Key, Order, Page, PageRequest, fetch_page
from muster_platform.unit import Unit
from muster_platform.versions import bump, expect
from muster_protocol.ids import uuid7

LABELS = 20
LABEL_CHARS = 64
SHOWN = 50
"""Lines of a preview."""
COUNTED = 1_000
READ, WRITE = Permission.RULES_READ, Permission.RULES_WRITE
_ORDER: Order[Rule] = Order(
    "name",
    (
        Key(Rule.__table__.c.name, str, lambda rule: rule.name),
        Key(Rule.__table__.c.id, str, lambda rule: rule.id),
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleDraft:
    """A rule as people write it."""

    name: str
    kind: str
    params: dict[str, Any]
    severity: Severity = Severity.WARNING
    group_id: int = ROOT_GROUP_ID
    device_filter: Mapping[str, Any] | None = None
    labels: Mapping[str, str] | None = None
    enabled: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleEdit:
    """What is to be changed; UNSET leaves it as it is. A rule's kind and group stay."""

    name: str | UnsetType = UNSET
    params: dict[str, Any] | UnsetType = UNSET
    severity: Severity | UnsetType = UNSET
    device_filter: dict[str, Any] | UnsetType = UNSET
    labels: dict[str, str] | UnsetType = UNSET
    enabled: bool | UnsetType = UNSET


class RuleService:
    """Reads and changes rules."""

    def __init__(self, unit: Unit, stores: Stores = store_of) -> None:
        self._unit = unit
        self._session = unit.session
        self._stores = stores

    def search(self, page: PageRequest, kind: str | None = None) -> Page[RuleView]:
        """List rules by name.

        Raises:
            PermissionDenied: without rules:read on any group.
            InvalidInput: the cursor does not fit.
        """
        self._unit.actor.require_somewhere(READ)
        statement = select(Rule).where(
            Rule.deleted_at.is_(None), permitted(self._unit.actor, READ, Rule.group_path)
        )
        if kind:
            statement = statement.where(Rule.kind == kind)
        most = self._unit.settings.page_size_max
        found = fetch_page(self._session, statement, _ORDER, page, most)
        counts = counted_by_rule(self._unit, [rule.id for rule in found.items])
        return Page([self._view(r, counts.get(r.id, 0)) for r in found.items], found.next_cursor)

    def get(self, rule_id: str) -> RuleView:
        """Get one.

        Raises:
            NotFound: no such rule, or not for the actor's eyes.
        """
        rule = self._find(rule_id, READ)
        return self._view(rule, counted_by_rule(self._unit, [rule.id]).get(rule.id, 0))

    def preview(self, draft: RuleDraft) -> Preview:
        """Say what a rule would raise if it were evaluated now; changes nothing.

        Raises:
            NotFound, PermissionDenied, InvalidInput: as `create`.
        """
        kind, group, _, filtered = self._checked(draft)
        params = kind.read(draft.params)
        look = self._look(group.path, filtered)
        lines = kind.found(look, params, SHOWN)
        count = len(lines) if len(lines) < SHOWN else kind.count(look, params, COUNTED)
        watched = None
        if kind.picks_devices:
            chosen = devices(look).subquery()
            watched = self._session.scalar(select(func.count()).select_from(chosen)) or 0
        return Preview(
            words=kind.words(params),
            count=max(count, len(lines)),
            devices=watched,
            lines=[
                PreviewLine(
                    subject_kind=one.subject.kind,
                    subject_id=one.subject.id,
                    subject_name=one.subject.name,
                    title=one.title,
                    since=one.since,
                )
                for one in lines
            ],
        )

    def create(self, draft: RuleDraft) -> RuleView:
        """Make a rule; it is evaluated at once.

        Raises:
            NotFound: no such group for the actor.
            PermissionDenied: without rules:write on the group, or without the right to read
                there what the rule reads.
            InvalidInput: naming the field at fault.
        """
        kind, group, labels, filtered = self._checked(draft)
        kind.read(draft.params)
        now, actor = self._unit.now(), self._unit.actor
        rule = Rule(
            id=uuid7(now),
            name=_name(draft.name),
            kind=kind.name,
            params=clean_json(draft.params),
            severity=str(draft.severity),
            group_path=group.path,
            device_filter=filtered,
            labels=labels,
            enabled=draft.enabled,
            builtin=None,
            author_kind=actor.kind,
            author_id=actor.id,
            author_name=clean(actor.name)[: audit.NAME_CHARS],
            remembered={},
            due_at=now,
            created_at=now,
            updated_at=now,
        )
        self._session.add(rule)
        self._session.flush()
        self._note("create", rule, after=_facts(rule))
        self._unit.outbox.add(Wake(WAKE_RULES))
        return self._view(rule, 0)

    def change(self, rule_id: str, edit: RuleEdit, *, if_version: int | None = None) -> RuleView:
        """Edit a rule; it is evaluated at once.

        Raises:
            NotFound: no such rule for the actor.
            PermissionDenied: as `create`.
            PreconditionFailed: it is of another version by now.
            InvalidInput: nothing to change, or naming the field at fault.
        """
        rule = self._find(rule_id, WRITE)
        expect(self._session, rule, if_version, rule.name)
        kind = kind_of(rule.kind)
        before = _facts(rule)
        given: dict[str, Any] = {
            name: value
            for name in RuleEdit.__dataclass_fields__
            if not isinstance(value := getattr(edit, name), UnsetType)
        }
        if not given:
            raise InvalidInput("say what to change: name, params, severity, enabled, …")
        if given.keys() & {"params", "device_filter"}:
            self._may_read(kind, rule.group_path)
        if "params" in given:
            kind.read(given["params"])
        for name, value in given.items():
            setattr(rule, name, self._fit(kind, name, value))
        rule.updated_at = rule.due_at = self._unit.now()
        bump(self._session, rule)
        after = _facts(rule)
        changed = [name for name in after if before[name] != after[name]]
        self._note(
            "update",
            rule,
            before={name: before[name] for name in changed},
            after={name: after[name] for name in changed},
        )
        self._unit.outbox.add(Wake(WAKE_RULES))
        return self.get(rule_id)

    def delete(self, rule_id: str) -> None:
        """Delete a rule; its open alarms are closed soon after, and kept.

        Raises:
            NotFound, PermissionDenied: as `change`.
            Conflict: it is built in; it can be disabled.
        """
        rule = self._find(rule_id, WRITE)
        if rule.builtin:
            raise Conflict(f"{rule.name} is built in: it can be disabled, not deleted")
        rule.deleted_at = rule.due_at = self._unit.now()
        self._session.flush()
        self._note("delete", rule, before=_facts(rule))
        self._unit.outbox.add(Wake(WAKE_RULES))

    # ---------------------------------------------------------------------------------------

    def _find(self, rule_id: str, permission: Permission) -> Rule:
        rule = self._session.get(Rule, clean(rule_id))
        if rule is None or rule.deleted_at is not None:
            raise NotFound("rule", rule_id)
        group = self._group(rule.group_path)
        require_on(self._unit.actor, permission, group, read=READ, kind="rule", name=rule_id)
        return rule

    def _group(self, path: str) -> Group:
        """Give the group of a path; of one that is gone, the nearest that is there."""
        ids = [int(item) for item in path.split("/") if item]
        rows = self._session.scalars(select(Group).where(Group.id.in_(ids))).all()
        return max(rows, key=lambda group: len(group.path))

    def _checked(self, draft: RuleDraft) -> tuple[Kind[Any], Group, dict[str, str], dict[str, Any]]:
        kind = kind_of(draft.kind)
        group = group_by_id(self._session, draft.group_id)
        actor = self._unit.actor
        if not actor.may(WRITE, group.path) and not actor.may(Permission.GROUPS_READ, group.path):
            raise NotFound("group", draft.group_id)
        actor.require(WRITE, group.path, group.name)
        self._may_read(kind, group.path)
        if kind.whole_only and group.id != ROOT_GROUP_ID:
            raise InvalidInput(
                f"{kind.title}: the platform has no groups; leave the group at the root",
                where="group_id",
            )
        _name(draft.name)
        filtered = self._filter(kind, dict(draft.device_filter or {}))
        return kind, group, _labels(draft.labels or {}), filtered

    def _may_read(self, kind: Kind[Any], path: str) -> None:
        """A rule tells what it reads: whoever writes one must be allowed to read it."""
        if kind.whole_only:
            self._unit.actor.require(kind.needs)
        else:
            self._unit.actor.require(kind.needs, path, self._group(path).name)

    def _filter(self, kind: Kind[Any], document: dict[str, Any]) -> dict[str, Any]:
        if document and not kind.picks_devices:
            raise InvalidInput(
                f"{kind.title}: it looks at no devices, so it has no filter", where="device_filter"
            )
        wanted = parse_filter(clean_json(document), "device_filter")
        conditions(self._unit, wanted)
        return filter_document(wanted)

    def _fit(self, kind: Kind[Any], name: str, value: Any) -> Any:
        match name:
            case "name":
                return _name(value)
            case "labels":
                return _labels(value)
            case "device_filter":
                return self._filter(kind, value)
            case "params":
                return clean_json(value)
            case "severity":
                return str(value)
        return value

    def _look(self, group_path: str, device_filter: dict[str, Any]) -> Look:
        # What the author may read there was asked for; the rule itself reads as the platform.
        unit = self._unit.as_actor(system_actor("rules"))
        return Look(
            unit=unit,
            logs=self._stores(unit),
            rule_id="",
            group_path=group_path,
            device_filter=device_filter,
            created_at=unit.now(),
        )

    def _view(self, rule: Rule, active: int) -> RuleView:
        group = self._group(rule.group_path)
        return RuleView(
            id=rule.id,
            name=rule.name,
            kind=rule.kind,
            words=words_of(rule),
            params=rule.params,
            severity=Severity(rule.severity),
            group_id=group.id,
            group_name=group.name,
            device_filter=rule.device_filter,
            labels=rule.labels,
            enabled=rule.enabled,
            builtin=rule.builtin,
            author_name=rule.author_name,
            evaluated_at=rule.evaluated_at,
            problem=rule.problem,
            active=active,
            created_at=rule.created_at,
            updated_at=rule.updated_at,
            version=rule.version,
        )

    def _note(self, verb: str, rule: Rule, before: Any = None, after: Any = None) -> None:
        audit.record(
            self._unit, f"rule.{verb}", "rule", rule.id, rule.name, before=before, after=after
        )


def words_of(rule: Rule) -> str:
    """Say when a rule raises; its problem where its parameters cannot be read any more."""
    kind = KINDS.get(rule.kind)
    if kind is None:
        return f"unknown kind {rule.kind}"
    try:
        return kind.words(kind.read(rule.params))
    except InvalidInput as error:
        return error.detail


def _facts(rule: Rule) -> dict[str, Any]:
    return {
        "name": rule.name,
        "kind": rule.kind,
        "params": rule.params,
        "severity": rule.severity,
        "group": rule.group_path,
        "device_filter": rule.device_filter,
        "labels": rule.labels,
        "enabled": rule.enabled,
    }


def _name(text: str) -> str:
    name = clean(text.strip())
    if not name or len(name) > NAME_CHARS:
        raise InvalidInput(f"a name has 1 to {NAME_CHARS} characters", where="name")
    return name


def _labels(labels: Mapping[str, str]) -> dict[str, str]:
    if len(labels) > LABELS:
        raise InvalidInput(f"at most {LABELS} labels", where="labels")
    found: dict[str, str] = {}
    for name, value in labels.items():
        key, text = clean(name.strip()), clean(str(value).strip())
        if not key or len(key) > LABEL_CHARS or len(text) > LABEL_CHARS:
            raise InvalidInput(
                f"a label is a name and a value of at most {LABEL_CHARS} characters",
                where="labels",
            )
        found[key] = text
    return found
