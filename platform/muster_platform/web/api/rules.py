"""Rules: what is trouble."""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from muster_platform.access.models import ROOT_GROUP_ID
from muster_platform.access.permissions import Permission
from muster_platform.alerts.kinds.table import KINDS
from muster_platform.alerts.rule_service import RuleDraft, RuleEdit, RuleService
from muster_platform.alerts.states import Severity
from muster_platform.alerts.views import Preview, RuleView
from muster_platform.errors import Conflict, NotFound, PreconditionFailed
from muster_platform.paging import DEFAULT_SIZE, PageRequest
from muster_platform.unit import Unit
from muster_platform.web.api.common import Cursor, Input, Key, Limit, Listed, Name, listed
from muster_platform.web.api.routing import Routes

routes = Routes("Rules")

READ, WRITE = Permission.RULES_READ, Permission.RULES_WRITE

KindName = Literal[
    "telemetry_threshold",
    "telemetry_absent",
    "device_offline",
    "log_match",
    "new_fingerprint",
    "execution_failures",
    "quarantine_grows",
    "part_down",
]
Labels = dict[str, Annotated[str, Meta(max_length=64)]]


class RuleQuery(Input, kw_only=True):
    """Which rules, and which part of them."""

    kind: KindName | None = None
    cursor: Cursor | None = None
    limit: Limit = DEFAULT_SIZE


class RuleBody(Input, kw_only=True):
    """A rule.

    Attributes:
        params: of its kind; `GET /rules/kinds` names them.
        group_id: it looks at what is in this group or inside it; the root is 1.
        device_filter: as in selections of devices; left out: all devices there.
        labels: route its alarms to whom they concern.
    """

    name: Name
    kind: KindName
    params: dict[str, Any]
    severity: Severity = Severity.WARNING
    group_id: Key = ROOT_GROUP_ID
    device_filter: dict[str, Any] = {}
    labels: Labels = {}
    enabled: bool = True

    def draft(self) -> RuleDraft:
        """Give it as the service takes it."""
        return RuleDraft(**{name: getattr(self, name) for name in self.__struct_fields__})


class RuleChange(Input, kw_only=True):
    """What to change; what is left out stays. Kind and group stay as they are."""

    name: Name | UnsetType = UNSET
    params: dict[str, Any] | UnsetType = UNSET
    severity: Severity | UnsetType = UNSET
    device_filter: dict[str, Any] | UnsetType = UNSET
    labels: Labels | UnsetType = UNSET
    enabled: bool | UnsetType = UNSET


class RuleParam(msgspec.Struct, kw_only=True):
    """A parameter of a kind; `schema` is its JSON schema."""

    name: str
    required: bool
    schema: dict[str, Any]


class RuleKind(msgspec.Struct, kw_only=True):
    """A kind of rule.

    Attributes:
        needs: what the author must be allowed to read on the rule's group.
        picks_devices: a device filter may narrow it.
    """

    name: str
    title: str
    needs: str
    picks_devices: bool
    params: list[RuleParam]


@routes.add("GET", "/rules/kinds", permission=READ)
def list_rule_kinds(unit: Unit) -> Listed[RuleKind]:
    """List the kinds of rules with their parameters."""
    unit.actor.require_somewhere(READ)
    return Listed(items=[_kind(name) for name in KINDS])


@routes.add("GET", "/rules", permission=READ)
def list_rules(unit: Unit, query: RuleQuery) -> Listed[RuleView]:
    """List rules by name."""
    page = PageRequest(query.limit, query.cursor)
    return listed(RuleService(unit).search(page, query.kind))


@routes.add("POST", "/rules", permission=WRITE, status=201, errors=(NotFound,), idempotent=True)
def create_rule(unit: Unit, body: RuleBody) -> RuleView:
    """Make a rule; it is evaluated at once."""
    return RuleService(unit).create(body.draft())


@routes.add("POST", "/rules/preview", permission=WRITE, errors=(NotFound,))
def preview_rule(unit: Unit, body: RuleBody) -> Preview:
    """Say what a rule would raise if it were evaluated now; changes nothing."""
    return RuleService(unit).preview(body.draft())


@routes.add("GET", "/rules/{rule_id}", permission=READ, etag="version")
def get_rule(unit: Unit, rule_id: str) -> RuleView:
    """Show a rule."""
    return RuleService(unit).get(rule_id)


@routes.add(
    "PATCH",
    "/rules/{rule_id}",
    permission=WRITE,
    errors=(NotFound, PreconditionFailed),
    etag="version",
)
def update_rule(unit: Unit, rule_id: str, body: RuleChange, if_match: int | None) -> RuleView:
    """Change a rule; it is evaluated at once."""
    edit = RuleEdit(**{name: getattr(body, name) for name in body.__struct_fields__})
    return RuleService(unit).change(rule_id, edit, if_version=if_match)


@routes.add("DELETE", "/rules/{rule_id}", permission=WRITE, status=204, errors=(NotFound, Conflict))
def delete_rule(unit: Unit, rule_id: str) -> None:
    """Delete a rule and close its alarms; one that is built in can only be disabled."""
    RuleService(unit).delete(rule_id)


def _kind(name: str) -> RuleKind:
    kind = KINDS[name]
    [found], parts = msgspec.json.schema_components([kind.params], ref_template="{name}")
    shape = parts[found["$ref"]]
    required = shape.get("required", [])
    return RuleKind(
        name=name,
        title=kind.title,
        needs=str(kind.needs),
        picks_devices=kind.picks_devices,
        params=[
            RuleParam(name=key, required=key in required, schema=_plain(schema, parts))
            for key, schema in shape["properties"].items()
        ],
    )


def _plain(schema: dict[str, Any], parts: dict[str, Any]) -> dict[str, Any]:
    """Put what a schema only names in its place."""
    if "$ref" in schema:
        return {**parts[schema["$ref"]], **{k: v for k, v in schema.items() if k != "$ref"}}
    if "anyOf" in schema:
        return {**schema, "anyOf": [_plain(one, parts) for one in schema["anyOf"]]}
    return schema
