"""Alarms: the list, one with its evidence, and what people do about it."""

from collections.abc import Callable
from typing import Any

from flask import Response, redirect, request, url_for
from flask_admin import expose
from werkzeug.wrappers import Response as Answer

from muster_platform.access.permissions import Permission
from muster_platform.access.users import UserService
from muster_platform.alerts.alarm_query import AlarmQuery
from muster_platform.alerts.alarms import AlarmService
from muster_platform.alerts.rule_service import RuleService
from muster_platform.alerts.states import ACTIVE, OPEN, UNACKNOWLEDGED, AlarmState, Severity
from muster_platform.alerts.told import gone_to, told
from muster_platform.alerts.views import AlarmFilter, AlarmView
from muster_platform.errors import InvalidInput, NotFound, PermissionDenied
from muster_platform.paging import PageRequest
from muster_platform.unit import Unit
from muster_platform.web.api.alarms import CSV_HEADER, row_of
from muster_platform.web.site import exports, gate
from muster_platform.web.site.alarm_words import ALARM, CHANGES, SEVERITY, subject_url
from muster_platform.web.site.views import choices
from muster_platform.web.site.views.log_filters import group_choice

PAGE = 50
HIDDEN_SHOWN = 20

STATES: dict[str, tuple[str, frozenset[AlarmState]]] = {
    "open": ("Open", frozenset(OPEN)),
    "active": ("Active", ACTIVE),
    "unacknowledged": ("Nobody has acknowledged", UNACKNOWLEDGED),
    "closed": ("Closed", frozenset({AlarmState.CLEARED_ACK})),
    "all": ("Any state", frozenset()),
}


class Alarms(gate.SiteView):
    """Alarms."""

    @expose("/")
    def index(self) -> str:
        """List alarms."""
        with gate.reading() as unit:
            query = AlarmQuery(unit)
            page = query.search(_filter(unit), _page())
            counts = query.open_by_severity()
        fragment = gate.is_fetch()
        return self.render(
            "site/alarms/rows.html" if fragment else "site/alarms/list.html",
            alarms=page.items,
            counts=counts,
            looks={"state": ALARM, "severity": SEVERITY},
            subject_url=subject_url,
            wanted={name: request.args.get(name, "").strip() for name in _FIELDS}
            | {"state": request.args.get("state", "open")},
            states=[(key, text) for key, (text, _) in STATES.items()],
            severities=[(str(key), look.label) for key, look in SEVERITY.items()],
            groups=choices.groups(),
            older_url=gate.older(page.next_cursor),
            export_url=gate.query(url_for(".export"), cursor=None),
        )

    @expose("/export.csv")
    def export(self) -> Response:
        """Export the list."""
        found = exports.rows(lambda unit, page: AlarmQuery(unit).search(_filter(unit), page))
        return exports.csv("alarms", CSV_HEADER, map(row_of, found))

    @expose("/<alarm_id>/")
    def page(self, alarm_id: str) -> str:
        """Show one."""
        with gate.reading() as unit:
            query = AlarmQuery(unit)
            alarm = query.get(alarm_id)
            behind = AlarmFilter(hidden=True, hidden_by=alarm.id, states=frozenset(OPEN))
            shown: dict[str, Any] = {
                "rule_link": _rule_url(unit, alarm.rule_id),
                "events": query.history(alarm_id),
                "behind": query.search(behind, PageRequest(HIDDEN_SHOWN)).items,
                "behind_count": query.hidden_behind(alarm_id),
                "people": _people(unit),
                "told": told(unit, alarm_id),
                "gone_to": gone_to(unit, alarm_id),
            }
        return self.render(
            "site/alarms/page.html",
            alarm=alarm,
            looks={"state": ALARM, "severity": SEVERITY},
            changes=CHANGES,
            subject_link=subject_url(alarm),
            subject_url=subject_url,
            logs_link=_logs_url(alarm),
            can_acknowledge=alarm.state in UNACKNOWLEDGED,
            is_open=alarm.state in OPEN,
            **shown,
        )

    @expose("/<alarm_id>/acknowledge", methods=("POST",))
    def acknowledge(self, alarm_id: str) -> Answer:
        """Take note."""
        said = request.form.get("comment", "")
        done = "Acknowledged; nobody is reminded any more."
        return _act(alarm_id, lambda s: s.acknowledge(alarm_id, said), done)

    @expose("/<alarm_id>/unacknowledge", methods=("POST",))
    def unacknowledge(self, alarm_id: str) -> Answer:
        """Take the note back."""
        done = "The acknowledgement is taken back; people are reminded again."
        return _act(alarm_id, lambda s: s.unacknowledge(alarm_id), done)

    @expose("/<alarm_id>/resolve", methods=("POST",))
    def resolve(self, alarm_id: str) -> Answer:
        """Close by hand."""
        reason = request.form.get("reason", "")
        return _act(alarm_id, lambda s: s.resolve(alarm_id, reason), "Resolved.")

    @expose("/<alarm_id>/comment", methods=("POST",))
    def comment(self, alarm_id: str) -> Answer:
        """Write a comment."""
        text = request.form.get("text", "")
        return _act(alarm_id, lambda s: s.comment(alarm_id, text), "The comment is kept.")

    @expose("/<alarm_id>/assign", methods=("POST",))
    def assign(self, alarm_id: str) -> Answer:
        """Say whose it is."""
        chosen = request.form.get("assignee", "")
        user_id = gate.actor().id if chosen == "me" else chosen or None
        return _act(alarm_id, lambda s: s.assign(alarm_id, user_id), "Assigned.")


_FIELDS = ("text", "severity", "group", "device", "rule", "assignee", "hidden")


def _act(alarm_id: str, do: Callable[[AlarmService], Any], done: str) -> Answer:
    back = url_for("alarms.page", alarm_id=alarm_id)
    if request.form.get("next") == "list":
        back = url_for("alarms.index")
    elif request.form.get("next") == "home":
        back = url_for("admin.index", home="on_call")
    return redirect(gate.act(lambda unit: do(AlarmService(unit)), done, back).location)


def _rule_url(unit: Unit, rule_id: str) -> str:
    """Give the address of a rule's page, "" for one that was deleted or is not to be read."""
    try:
        return url_for("rules.edit", rule_id=RuleService(unit).get(rule_id).id)
    except (NotFound, PermissionDenied):
        return ""


def _page() -> PageRequest:
    return PageRequest(PAGE, request.args.get("cursor") or None)


def _filter(unit: Unit) -> AlarmFilter:
    args = request.args
    state, severity = args.get("state", "open"), args.get("severity", "")
    if state not in STATES:
        raise InvalidInput(f"state is one of {', '.join(STATES)}", where="state")
    if severity and severity not in SEVERITY:
        raise InvalidInput(f"severity is one of {', '.join(SEVERITY)}", where="severity")
    return AlarmFilter(
        states=STATES[state][1],
        severities=frozenset({Severity(severity)}) if severity else frozenset(),
        text=args.get("text", "")[:200],
        rule_id=args.get("rule") or None,
        device_id=args.get("device") or None,
        group_id=group_choice(args.get("group", "")),
        assignee={"me": unit.actor.id, "nobody": ""}.get(args.get("assignee", "")),
        hidden=args.get("hidden") == "1",
    )


def _people(unit: Unit) -> list[tuple[str, str]]:
    if not unit.actor.may(Permission.USERS_READ):
        return []
    return [(user.id, user.name) for user in UserService(unit).list() if user.disabled_at is None]


def _logs_url(alarm: AlarmView) -> str:
    """Give the address of the records around an alarm, "" where it is about no device."""
    if alarm.device_id is None:
        return ""
    return url_for("logs.index", device=alarm.device_id, range="24h")
