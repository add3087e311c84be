"""Why may somebody (not) do something, and the access review."""

from typing import Any

from flask import Response, request, stream_with_context, url_for
from flask_admin import expose

from muster_platform.access.explain import Decision
from muster_platform.access.groups import readable_group
from muster_platform.access.models import Group
from muster_platform.access.permissions import WORDS, Permission
from muster_platform.access.review import ReviewFilter, ReviewService
from muster_platform.access.users import UserFilter, UserService
from muster_platform.access.why import WhyService
from muster_platform.devices.service import DeviceService
from muster_platform.errors import InvalidInput, MusterError, NotFound, PermissionDenied
from muster_platform.paging import PageRequest
from muster_platform.unit import Unit
from muster_platform.web.api.access import CSV_HEADER, review_lines
from muster_platform.web.site import csv_safe, gate
from muster_platform.web.site.views import choices

PEOPLE_OFFERED = 200


class WhyMay(gate.SiteView):
    """Asks why: anybody about themselves, some about others."""

    @expose("/")
    def index(self) -> str:
        """Show the question and, once asked, the answer."""
        decision, problem = None, ""
        with gate.reading() as unit:
            if request.args.get("permission"):
                try:
                    decision = self._decide(unit)
                except (InvalidInput, NotFound) as error:
                    problem = gate.sentence(error)
            sees_people = unit.actor.may(Permission.USERS_READ)
            page = PageRequest(PEOPLE_OFFERED)
            people = UserService(unit).page(UserFilter(), page).items if sees_people else []
            return self.render(
                "site/people/why.html",
                asked=request.args,
                decision=decision,
                problem=problem,
                words=WORDS,
                permissions=choices.permissions(),
                groups=choices.groups(),
                people=people,
                sees_people=sees_people,
                email=self._email(unit),
                ask_elsewhere=self._other_url(decision),
            )

    def _decide(self, unit: Unit) -> Decision:
        asked = request.args
        group, thing = _place(unit, asked.get("group", ""), asked.get("device", "").strip())
        user_id, email = asked.get("user") or None, asked.get("email", "").strip()
        if email:
            user_id = UserService(unit).by_email(email).id
        return WhyService(unit).why(
            _permission(asked["permission"]),
            group,
            user_id=user_id,
            token_id=asked.get("token") or None,
            thing=thing,
        )

    def _email(self, unit: Unit) -> str:
        """Give the address of whom it is about, for the form."""
        user_id = request.args.get("user")
        if request.args.get("email") or not user_id or not unit.actor.may(Permission.USERS_READ):
            return request.args.get("email", "")
        return UserService(unit).get(user_id).email

    def _other_url(self, decision: Decision | None) -> str:
        """Give the review of who may do it, for who may see people."""
        if decision is None or not gate.actor().may(Permission.USERS_READ):
            return ""
        place = decision.place.path
        group = place.rstrip("/").rpartition("/")[2] if place else None
        return url_for("review.index", permission=str(decision.permission), group=group)


class Review(gate.SiteView):
    """Who may do what where, and what is known of each."""

    @expose("/")
    def index(self) -> str:
        """Show a page of it."""
        with gate.reading() as unit:
            wanted, problem = ReviewFilter(), ""
            unit.actor.require(Permission.USERS_READ)
            try:
                wanted = _wanted(unit)
            except (InvalidInput, NotFound) as error:
                problem = gate.sentence(error)
            page = PageRequest(cursor=request.args.get("cursor") or None)
            found = ReviewService(unit).page(wanted, page)
            return self.render(
                "site/people/review.html",
                asked=request.args,
                rows=found.items,
                problem=problem,
                next_url=gate.older(found.next_cursor),
                permissions=choices.permissions(),
                groups=choices.groups(),
                export_url=gate.query(url_for(".export"), cursor=None),
            )

    @expose("/review.csv")
    def export(self) -> Response:
        """Export it: one line for each role of each person."""
        with gate.reading() as unit:
            unit.actor.require(Permission.USERS_READ)
            _wanted(unit)  # a mistake is told before anything is sent
        return Response(
            stream_with_context(csv_safe.lines(CSV_HEADER, _all_lines())),
            mimetype="text/csv",
            headers={"Content-Disposition": "attachment; filename=access-review.csv"},
        )


def _all_lines() -> Any:
    with gate.reading() as unit:
        yield from review_lines(ReviewService(unit).all(_wanted(unit)))


def _wanted(unit: Unit) -> ReviewFilter:
    asked = request.args
    permission = asked.get("permission") or None
    return ReviewFilter(
        permission=_permission(permission) if permission else None,
        group=_group(unit, asked.get("group", "")),
        text=asked.get("search", "").strip() or None,
    )


def _place(unit: Unit, group: str, device_id: str) -> tuple[Group | None, str]:
    if device_id:
        device = DeviceService(unit).get(device_id)
        return device.group, f"device {device.device_id}"
    return _group(unit, group), ""


def _group(unit: Unit, text: str) -> Group | None:
    if not text:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) <= 18):
        raise NotFound("group", text[:64])
    return readable_group(unit, int(text))


def _permission(text: str) -> Permission:
    try:
        return Permission(text)
    except ValueError:
        raise InvalidInput(f"there is no permission {text[:64]!r}", where="permission") from None


def may_explain(error: MusterError) -> str:
    """Give the address that explains a denial to the person who was denied; "" for others."""
    if not isinstance(error, PermissionDenied) or not error.extra.get("permission"):
        return ""
    return url_for("why.index", permission=error.permission, group=error.group_id)
