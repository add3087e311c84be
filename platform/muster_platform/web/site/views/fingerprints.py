"""Faults: what logs report, grouped; and what people decide about it."""

from types import SimpleNamespace
from typing import Any

from flask import Response, flash, redirect, request, url_for
from flask_admin import expose
from msgspec import UNSET
from werkzeug.wrappers import Response as Answer

from muster_platform.access.permissions import Permission
from muster_platform.access.users import UserService
from muster_platform.errors import InvalidInput
from muster_platform.logs.filter import LogFilter
from muster_platform.logs.fingerprint_acts import Decision, FingerprintActs
from muster_platform.logs.fingerprint_rules import FingerprintState
from muster_platform.logs.fingerprint_views import SORTS, FingerprintFilter
from muster_platform.logs.fingerprints import FingerprintService
from muster_platform.logs.service import LogService
from muster_platform.paging import PageRequest
from muster_platform.unit import Unit
from muster_platform.web.api.fingerprints import CSV_HEADER, row_of
from muster_platform.web.site import exports, gate, words
from muster_platform.web.site.views import choices
from muster_platform.web.site.views.log_filters import RANGES, group_choice

PAGE = 50
SAMPLES = 10
OPEN = "open"
DEFAULT_RANGE = "all"


class Fingerprints(gate.SiteView):
    """Faults by fingerprint."""

    @expose("/")
    def index(self) -> str:
        """List faults."""
        with gate.reading() as unit:
            page = FingerprintService(unit).search(
                _filter(unit), PageRequest(PAGE, request.args.get("cursor") or None)
            )
        return self.render(
            "site/fingerprints/list.html",
            faults=page.items,
            wanted=_wanted(),
            states=[(OPEN, "Not decided"), ("all", "Any state")]
            + [(str(key), look.label) for key, look in words.FINGERPRINT.items()],
            ranges=[
                (key, text if ms else "Seen at any time") for key, (text, ms) in RANGES.items()
            ],
            groups=choices.groups(),
            sort_urls={name: _sort_url(name) for name in SORTS},
            older_url=gate.older(page.next_cursor),
            export_url=gate.query(url_for(".export"), cursor=None),
        )

    @expose("/export.csv")
    def export(self) -> Response:
        """Export the list."""
        found = exports.rows(
            lambda unit, page: FingerprintService(unit).search(_filter(unit), page)
        )
        return exports.csv("fingerprints", CSV_HEADER, map(row_of, found))

    @expose("/<fingerprint>/")
    def page(self, fingerprint: str) -> str:
        """Show one."""
        with gate.reading() as unit:
            service = FingerprintService(unit)
            fault = service.get(fingerprint)
            cursor = request.args.get("cursor") or None
            devices = service.on_devices(fingerprint, PageRequest(PAGE, cursor))
            samples = LogService(unit).search(
                LogFilter(fingerprint=fingerprint), PageRequest(SAMPLES)
            )
            days = service.trend(fingerprint)
            shown = {
                "versions": service.versions(fingerprint),
                "acts": service.acts(fingerprint),
                "people": _people(unit),
            }
        return self.render(
            "site/fingerprints/page.html",
            fault=fault,
            devices=devices.items,
            older_url=gate.older(devices.next_cursor),
            samples=samples.items,
            days=days,
            highest=max(day.count for day in days) or 1,
            **shown,
        )

    @expose("/<fingerprint>/decide", methods=("POST",))
    def decide(self, fingerprint: str) -> Answer:
        """Assign, resolve, ignore, open again, note."""
        back = url_for(".page", fingerprint=fingerprint)
        form = request.form
        try:
            decision, version = _decision(form), int(form.get("version", ""))
        except ValueError:
            flash("The form is not complete; load the page again.", "error")
            return redirect(back)
        return gate.act(
            lambda unit: FingerprintActs(unit).decide(fingerprint, decision, if_version=version),
            "Saved.",
            back,
        )


def _decision(form: Any) -> Decision:
    state = form.get("state")
    assignee = form.get("assignee")
    if assignee == "me":
        assignee = gate.actor().id
    return Decision(
        state=FingerprintState(state) if state else UNSET,
        resolved_in=form.get("resolved_in", ""),
        assignee_id=UNSET if assignee is None else assignee or None,
        note=form.get("note", UNSET),
        reason=form.get("reason", "")[:1_000],
    )


def _people(unit: Unit) -> list[tuple[str, str]]:
    """Give who may be assigned, by id and name; [] where the reader may not see people."""
    if not unit.actor.may(Permission.USERS_READ):
        return []
    return [(user.id, user.name) for user in UserService(unit).list() if user.disabled_at is None]


def _wanted() -> SimpleNamespace:
    names = ("text", "group", "version", "device")
    return SimpleNamespace(
        **{name: request.args.get(name, "").strip() for name in names},
        state=request.args.get("state", OPEN),
        assignee=request.args.get("assignee", ""),
        range=request.args.get("range", DEFAULT_RANGE),
        sort=request.args.get("sort", "last_seen"),
        descending=request.args.get("asc") != "1",
    )


def _filter(unit: Unit) -> FingerprintFilter:
    wanted = _wanted()
    if wanted.range not in RANGES:
        raise InvalidInput(f"range is one of {', '.join(RANGES)}", where="range")
    back_ms = RANGES[wanted.range][1]
    return FingerprintFilter(
        states=_states(wanted.state),
        text=wanted.text,
        device_id=wanted.device or None,
        group_id=group_choice(wanted.group),
        version=wanted.version or None,
        assignee=_assignee(unit, wanted.assignee),
        since=unit.now() - back_ms if back_ms is not None else None,
        sort=wanted.sort,
        descending=wanted.descending,
    )


def _states(text: str) -> frozenset[FingerprintState]:
    if text == OPEN:
        return frozenset({FingerprintState.OPEN, FingerprintState.REGRESSED})
    if text in ("all", ""):
        return frozenset()
    try:
        return frozenset({FingerprintState(text)})
    except ValueError:
        raise InvalidInput(f"no such state: {text[:40]}", where="state") from None


def _assignee(unit: Unit, text: str) -> str | None:
    return {"me": unit.actor.id, "nobody": ""}.get(text)


def _sort_url(name: str) -> str:
    wanted = _wanted()
    turned = wanted.sort == name and wanted.descending
    return gate.query(request.path, cursor=None, sort=name, asc="1" if turned else None)
