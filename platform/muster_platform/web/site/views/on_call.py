"""On-call lists: who is on call now, and the list of a group with its editor."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from flask import flash, redirect, request, url_for
from flask_admin import expose
from werkzeug.wrappers import Response as Answer

from muster_platform.access.groups import GroupService
from muster_platform.access.models import Group
from muster_platform.access.permissions import Permission
from muster_platform.alerts import oncall_rules as rules
from muster_platform.alerts.oncall import DAY_MS, OnCallService, rota_of
from muster_platform.alerts.oncall_models import OnCallList
from muster_platform.alerts.oncall_rules import Rota
from muster_platform.alerts.oncall_trial import send_test
from muster_platform.alerts.oncall_views import NamedShift, duties, duty, named, names_of
from muster_platform.errors import InvalidInput, NotFound, PreconditionFailed
from muster_platform.unit import Unit
from muster_platform.web.site import gate
from muster_platform.web.site.views import choices
from muster_platform.web.site.views import on_call_form as forms

AHEAD_DAYS = 7
DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
READ, WRITE = Permission.RULES_READ, Permission.RULES_WRITE


class OnCall(gate.SiteView):
    """On-call lists."""

    @expose("/")
    def index(self) -> str | Answer:
        """Show who is on call now; `group` goes to the list of one."""
        wanted = request.args.get("group", "")
        if wanted.isdecimal() and len(wanted) <= 18:
            return redirect(url_for(".page", group_id=int(wanted)))
        with gate.reading() as unit:
            found = duties(unit)
        return self.render(
            "site/on_call/list.html",
            duties=found,
            groups=choices.groups(READ),
        )

    @expose("/<int:group_id>/")
    def page(self, group_id: int) -> str:
        """Show the list of a group; to whoever may write it, as a form."""
        with gate.reading() as unit:
            group = _group(unit, group_id)
            row = unit.session.get(OnCallList, group.id)
            form = forms.filled(row) if row is not None else forms.ListForm()
            shifts = _shifts(unit, rota_of(row)) if row is not None else []
            return self._page(unit, group, row, form, shifts)

    @expose("/<int:group_id>/", methods=("POST",))
    def save(self, group_id: int) -> str | Answer:
        """Save the form, preview it, or change its rows."""
        form, do = forms.typed(request.form), request.form.get("do", "preview")
        with gate.reading() as unit:
            unit.actor.require_somewhere(WRITE)
            group = _group(unit, group_id)
            unit.actor.require(WRITE, group.path, group.name)
        step, shifts, error = forms.changed(form, do), list[NamedShift](), ""
        if step is None:
            try:
                if do == "save":
                    return self._save(group_id, form)
                shifts = _preview(group_id, form)
            except (InvalidInput, PreconditionFailed) as refusal:
                error = gate.sentence(refusal)
        with gate.reading() as unit:
            row = unit.session.get(OnCallList, group_id)
            group, shown = _group(unit, group_id), form if step is None else step
            return self._page(unit, group, row, shown, shifts, error=error, unsaved=True)

    @expose("/<int:group_id>/delete", methods=("POST",))
    def delete(self, group_id: int) -> Answer:
        """Take the list away."""
        return gate.act(
            lambda unit: OnCallService(unit).delete(group_id),
            "Deleted; the list of the nearest group around it counts now.",
            url_for(".index"),
        )

    @expose("/<int:group_id>/test", methods=("POST",))
    def test(self, group_id: int) -> Answer:
        """Send a test mail to everybody on it."""
        return gate.act(
            lambda unit: send_test(unit, group_id),
            "A test mail is on its way to everybody on the list.",
            url_for(".page", group_id=group_id),
        )

    def _save(self, group_id: int, form: forms.ListForm) -> Answer:
        draft, version = forms.draft(form), _version()
        with gate.writing() as unit:
            OnCallService(unit).put(group_id, draft, if_version=version)
        flash("Saved; alarms go by it from now on.", "success")
        return redirect(url_for(".page", group_id=group_id))

    def _page(
        self,
        unit: Unit,
        group: Group,
        row: OnCallList | None,
        form: forms.ListForm,
        shifts: list[NamedShift],
        *,
        error: str = "",
        unsaved: bool = False,
    ) -> str:
        may_write = unit.actor.may(WRITE, group.path)
        people = OnCallService(unit).people(group.id) if may_write else []
        ids = {entry.user_id for entry in form.entries}
        ids |= {one for away in form.absences for one in (away.user_id, away.instead_id)}
        return self.render(
            "site/on_call/page.html",
            duty=duty(unit, group),
            row=row,
            version=_version() if unsaved else row.version if row is not None else 0,
            form=form,
            shifts=shifts,
            error=error,
            unsaved=unsaved,
            may_write=may_write,
            people=[(user.id, user.name) for user in people],
            names=names_of(unit.session, ids - {""}),
            days=[(str(number), name) for number, name in enumerate(DAYS, 1)],
            days_words=days_words,
            zones=sorted(rules.zones()),
            wall=lambda at: clock(at, form.zone),
        )


def days_words(days: tuple[str, ...]) -> str:
    """Write days short: `every day`, `Mon to Fri`, `Mon, Wed`."""
    numbers = sorted({int(day) for day in days})
    if len(numbers) == len(DAYS):
        return "every day"
    names = [DAYS[number - 1] for number in numbers]
    if len(numbers) > 2 and numbers[-1] - numbers[0] == len(numbers) - 1:
        return f"{names[0]} to {names[-1]}"
    return ", ".join(names)


def clock(at: int, zone: str) -> str:
    """Write an instant as the wall clocks of a zone show it."""
    local = datetime.fromtimestamp(at / 1000, UTC).astimezone(ZoneInfo(zone))
    return local.strftime("%a %d %b %H:%M")


def _version() -> int:
    """Give the version that the form was filled with; 0 for a list that was not there."""
    text = request.form.get("version", "")
    return int(text) if text.isdecimal() and len(text) < 10 else 0


def _group(unit: Unit, group_id: int) -> Group:
    """Get a group on which the person may read rules.

    Raises:
        NotFound: no such group for them.
    """
    unit.actor.require_somewhere(READ)
    group = GroupService(unit).get(group_id)
    if not unit.actor.may(READ, group.path):
        raise NotFound("group", group_id)
    return group


def _shifts(unit: Unit, rota: Rota) -> list[NamedShift]:
    now = unit.now()
    return named(unit.session, rules.shifts(rota, now, now + AHEAD_DAYS * DAY_MS))


def _preview(group_id: int, form: forms.ListForm) -> list[NamedShift]:
    draft = forms.draft(form)
    with gate.reading() as unit:
        OnCallService(unit).check(group_id, draft)
        return _shifts(unit, Rota(draft.zone, draft.entries, draft.absences))
