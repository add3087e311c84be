"""Who is on call: a list for each group that has one, and who it is at a moment."""

from typing import Annotated

import msgspec
from msgspec import Meta

from muster_platform.access.permissions import Permission
from muster_platform.alerts.oncall import OnCallDraft, OnCallService, rota_of
from muster_platform.alerts.oncall_models import OnCallList
from muster_platform.alerts.oncall_rules import ABSENCES_MAX, ENTRIES_MAX, Absence, Entry
from muster_platform.alerts.oncall_trial import send_test
from muster_platform.alerts.oncall_views import names_of
from muster_platform.errors import Conflict, NotFound
from muster_platform.unit import Unit
from muster_platform.web.api.common import Input, Listed, Millis
from muster_platform.web.api.routing import Routes

routes = Routes("On call")

READ, WRITE = Permission.RULES_READ, Permission.RULES_WRITE


class OnCallAnswer(msgspec.Struct, kw_only=True):
    """The on-call list of a group; it counts for the groups inside that have none of their own.

    Attributes:
        zone: IANA name of the zone of its times.
        wait_s: after so long without an acknowledgement the next person is told.
        remind_s: between two mails to the same person about the same alarm.
        names: of everybody in it, by user id.
        version: counts the edits; for If-Match.
    """

    group_id: int
    zone: str
    wait_s: int
    remind_s: int
    reminders: int
    entries: list[Entry]
    absences: list[Absence]
    names: dict[str, str]
    version: int
    updated_at: int


class OnCallBody(Input, kw_only=True):
    """A list as it shall be, whole."""

    zone: Annotated[str, Meta(min_length=1, max_length=64)] = "UTC"
    wait_s: Annotated[int, Meta(ge=60, le=86_400)] = 900
    remind_s: Annotated[int, Meta(ge=60, le=86_400)] = 900
    reminders: Annotated[int, Meta(ge=0, le=20)] = 4
    entries: Annotated[list[Entry], Meta(max_length=ENTRIES_MAX)]
    absences: Annotated[list[Absence], Meta(max_length=ABSENCES_MAX)] = []


class WhoQuery(Input, kw_only=True):
    """When; now when it is left out."""

    at: Annotated[int, Meta(ge=0, le=4_102_444_800_000)] | None = None


class OnCallPerson(msgspec.Struct, kw_only=True):
    """Somebody on call."""

    user_id: str
    name: str


class WhoAnswer(msgspec.Struct, kw_only=True):
    """Who is told of the alarms of a group at a moment, first told first.

    Attributes:
        gone_to: whose list it is, or why the administrators are told.
        list_group_id: of that list, null where the administrators are told.
    """

    people: list[OnCallPerson]
    gone_to: str
    list_group_id: int | None


class DaysQuery(Input, kw_only=True):
    """How far to look ahead."""

    days: Annotated[int, Meta(ge=1, le=31)] = 7


class ShiftAnswer(msgspec.Struct, kw_only=True):
    """A time in which the same people are on call; times are ms since the epoch."""

    start: Millis
    end: Millis
    people: list[str]


@routes.add("GET", "/on-call", permission=READ)
def list_on_call(unit: Unit) -> Listed[OnCallAnswer]:
    """List the on-call lists of the groups on which you may read rules."""
    return Listed(items=[_answer(unit, row) for row, _group in OnCallService(unit).lists()])


@routes.add("GET", "/on-call/{group_id}", permission=READ, errors=(NotFound,), etag="version")
def get_on_call(unit: Unit, group_id: int) -> OnCallAnswer:
    """Get the on-call list of a group."""
    return _answer(unit, OnCallService(unit).get(group_id))


@routes.add("PUT", "/on-call/{group_id}", permission=WRITE, errors=(NotFound,), etag="version")
def put_on_call(unit: Unit, group_id: int, body: OnCallBody, if_match: int | None) -> OnCallAnswer:
    """Write the on-call list of a group."""
    draft = OnCallDraft(
        zone=body.zone,
        wait_s=body.wait_s,
        remind_s=body.remind_s,
        reminders=body.reminders,
        entries=tuple(body.entries),
        absences=tuple(body.absences),
    )
    return _answer(unit, OnCallService(unit).put(group_id, draft, if_version=if_match))


@routes.add("DELETE", "/on-call/{group_id}", permission=WRITE, errors=(NotFound,))
def delete_on_call(unit: Unit, group_id: int) -> None:
    """Take the on-call list of a group away."""
    OnCallService(unit).delete(group_id)


@routes.add("GET", "/on-call/{group_id}/who", permission=Permission.ALARMS_READ, errors=(NotFound,))
def who_is_on_call(unit: Unit, group_id: int, query: WhoQuery) -> WhoAnswer:
    """Say who is told of the alarms of a group, now or at a moment."""
    found = OnCallService(unit).who(group_id, query.at)
    people = [OnCallPerson(user_id=user.id, name=user.name) for user in found.people]
    return WhoAnswer(people=people, gone_to=found.gone_to, list_group_id=found.group_id)


@routes.add("GET", "/on-call/{group_id}/shifts", permission=READ, errors=(NotFound,))
def list_shifts(unit: Unit, group_id: int, query: DaysQuery) -> Listed[ShiftAnswer]:
    """Preview who is on call by the list of a group in the days to come."""
    found = OnCallService(unit).preview(group_id, query.days)
    return Listed(
        items=[ShiftAnswer(start=s.start, end=s.end, people=list(s.people)) for s in found]
    )


@routes.add("POST", "/on-call/{group_id}/test", permission=WRITE, errors=(NotFound, Conflict))
def send_on_call_test(unit: Unit, group_id: int) -> Listed[OnCallPerson]:
    """Send a test mail to everybody on the list of a group; once a minute at most."""
    people = send_test(unit, group_id)
    return Listed(items=[OnCallPerson(user_id=user.id, name=user.name) for user in people])


def _answer(unit: Unit, row: OnCallList) -> OnCallAnswer:
    rota = rota_of(row)
    ids = {entry.user_id for entry in rota.entries}
    ids |= {one for away in rota.absences for one in (away.user_id, away.instead_id) if one}
    return OnCallAnswer(
        group_id=row.group_id,
        zone=row.zone,
        wait_s=row.wait_s,
        remind_s=row.remind_s,
        reminders=row.reminders,
        entries=list(rota.entries),
        absences=list(rota.absences),
        names=names_of(unit.session, ids),
        version=row.version,
        updated_at=row.updated_at,
    )
