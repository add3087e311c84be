"""Alarms: the trouble that rules found, and what people do about it."""

from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from muster_platform.access.permissions import Permission
from muster_platform.alerts.alarm_query import AlarmQuery
from muster_platform.alerts.alarms import TEXT_CHARS, AlarmService
from muster_platform.alerts.states import AlarmState, Severity
from muster_platform.alerts.views import AlarmEventView, AlarmFilter, AlarmView
from muster_platform.errors import Conflict, NotFound, PreconditionFailed
from muster_platform.paging import DEFAULT_SIZE, PageRequest
from muster_platform.unit import Unit
from muster_platform.web.api import streaming
from muster_platform.web.api.common import (
    Cursor,
    DeviceId,
    Input,
    Key,
    Limit,
    Listed,
    Millis,
    listed,
)
from muster_platform.web.api.routing import Csv, Routes
from muster_platform.web.site.csv_safe import lines

routes = Routes("Alarms")

READ, ACT = Permission.ALARMS_READ, Permission.ALARMS_ACKNOWLEDGE

Text = Annotated[str, Meta(max_length=TEXT_CHARS)]
Said = Annotated[str, Meta(min_length=1, max_length=TEXT_CHARS)]
Id = Annotated[str, Meta(min_length=1, max_length=36)]
ACTS = (NotFound, Conflict, PreconditionFailed)


class AlarmChoice(Input, kw_only=True):
    """Which alarms.

    Attributes:
        state, severity: any of these.
        text: words that all occur in the title.
        rule: id of a rule.
        subject_kind, subject_id: about this: device, group, fingerprint, job, part, profile.
        assignee: id of a user; "" for those of nobody.
        since: raised since then.
        hidden: with those that another alarm explains.
    """

    state: list[AlarmState] = []
    severity: list[Severity] = []
    text: Annotated[str, Meta(max_length=200)] = ""
    rule: Id | None = None
    device_id: DeviceId | None = None
    group: Key | None = None
    subject_kind: Annotated[str, Meta(max_length=16)] | None = None
    subject_id: Annotated[str, Meta(max_length=256)] | None = None
    assignee: Annotated[str, Meta(max_length=36)] | None = None
    since: Millis | None = None
    hidden: bool = False

    def filter(self) -> AlarmFilter:
        """Give it as the service takes it."""
        return AlarmFilter(
            states=frozenset(self.state),
            severities=frozenset(self.severity),
            text=self.text,
            rule_id=self.rule,
            device_id=self.device_id,
            group_id=self.group,
            subject_kind=self.subject_kind,
            subject_id=self.subject_id,
            assignee=self.assignee,
            since=self.since,
            hidden=self.hidden,
        )


class AlarmListQuery(AlarmChoice, kw_only=True):
    """Which alarms, and which part of them."""

    cursor: Cursor | None = None
    limit: Limit = DEFAULT_SIZE


class AlarmCounts(msgspec.Struct, kw_only=True):
    """Open alarms by severity."""

    critical: int
    warning: int
    info: int


class CommentBody(Input, kw_only=True):
    """What to say along with it; may stay empty."""

    comment: Text = ""


class ResolveBody(Input, kw_only=True):
    """Why it is closed by hand."""

    reason: Said


class SayBody(Input, kw_only=True):
    """A comment."""

    text: Said


class AssignBody(Input, kw_only=True):
    """Whose it is: id of a user, null for nobody."""

    assignee_id: Id | UnsetType | None = UNSET


@routes.add("GET", "/alarms", permission=READ, errors=(NotFound,))
def list_alarms(unit: Unit, query: AlarmListQuery) -> Listed[AlarmView]:
    """List alarms, the newest raised first."""
    page = PageRequest(query.limit, query.cursor)
    return listed(AlarmQuery(unit).search(query.filter(), page))


@routes.add("GET", "/alarms.csv", permission=READ, errors=(NotFound,))
def export_alarms(unit: Unit, query: AlarmChoice) -> Csv:
    """Export alarms as CSV; no cell is a formula."""
    wanted = query.filter()
    found = streaming.rows(unit, lambda own, page: AlarmQuery(own).search(wanted, page))
    sent: Csv = streaming.answer(Csv, lines(CSV_HEADER, map(row_of, found)))
    return sent


@routes.add("GET", "/alarms/counts", permission=READ)
def count_alarms(unit: Unit) -> AlarmCounts:
    """Count the open alarms by severity; those that another explains are left out."""
    found = AlarmQuery(unit).open_by_severity()
    return AlarmCounts(**{str(severity): number for severity, number in found.items()})


@routes.add("GET", "/alarms/{alarm_id}", permission=READ, etag="version")
def get_alarm(unit: Unit, alarm_id: str) -> AlarmView:
    """Show an alarm with its evidence."""
    return AlarmQuery(unit).get(alarm_id)


@routes.add("GET", "/alarms/{alarm_id}/events", permission=READ)
def list_alarm_events(unit: Unit, alarm_id: str) -> Listed[AlarmEventView]:
    """List what became of an alarm, newest first."""
    return Listed(items=list(AlarmQuery(unit).history(alarm_id)))


@routes.add("POST", "/alarms/{alarm_id}/acknowledge", permission=ACT, errors=ACTS, etag="version")
def acknowledge_alarm(
    unit: Unit, alarm_id: str, body: CommentBody, if_match: int | None
) -> AlarmView:
    """Take note of an alarm: nobody is reminded any more."""
    return AlarmService(unit).acknowledge(alarm_id, body.comment, if_version=if_match)


@routes.add("POST", "/alarms/{alarm_id}/unacknowledge", permission=ACT, errors=ACTS, etag="version")
def unacknowledge_alarm(
    unit: Unit, alarm_id: str, body: CommentBody, if_match: int | None
) -> AlarmView:
    """Take the note back: people are reminded again."""
    return AlarmService(unit).unacknowledge(alarm_id, body.comment, if_version=if_match)


@routes.add("POST", "/alarms/{alarm_id}/resolve", permission=ACT, errors=ACTS, etag="version")
def resolve_alarm(unit: Unit, alarm_id: str, body: ResolveBody, if_match: int | None) -> AlarmView:
    """Close an alarm by hand; it is raised again only after its condition has ended once."""
    return AlarmService(unit).resolve(alarm_id, body.reason, if_version=if_match)


@routes.add("POST", "/alarms/{alarm_id}/comments", permission=ACT, status=201, errors=(NotFound,))
def comment_alarm(unit: Unit, alarm_id: str, body: SayBody) -> AlarmView:
    """Write a comment."""
    return AlarmService(unit).comment(alarm_id, body.text)


@routes.add("PATCH", "/alarms/{alarm_id}", permission=ACT, errors=ACTS, etag="version")
def assign_alarm(unit: Unit, alarm_id: str, body: AssignBody, if_match: int | None) -> AlarmView:
    """Say whose it is."""
    if isinstance(body.assignee_id, UnsetType):
        return AlarmQuery(unit).get(alarm_id)
    return AlarmService(unit).assign(alarm_id, body.assignee_id, if_version=if_match)


CSV_HEADER = (
    *("id", "title", "severity", "state", "rule", "subject_kind", "subject", "group", "counter"),
    *("first_at", "active_at", "cleared_at", "acknowledged_at", "acknowledged_by"),
    *("resolved_at", "resolved_by", "resolved_reason", "assignee"),
)


def row_of(view: AlarmView) -> tuple[object, ...]:
    """Give an alarm as a line of the CSV export."""
    return (
        *(view.id, view.title, view.severity, view.state, view.rule_name, view.subject_kind),
        *(view.subject_name, view.group_name, view.counter, view.first_at, view.active_at),
        *(view.cleared_at, view.acknowledged_at, view.acknowledged_by, view.resolved_at),
        *(view.resolved_by, view.resolved_reason, view.assignee_name),
    )
