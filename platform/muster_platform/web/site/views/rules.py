"""Rules: the list, and the form with its preview."""

from typing import Any

from flask import flash, redirect, request, url_for
from flask_admin import expose
from werkzeug.wrappers import Response as Answer

from muster_platform.access.permissions import Permission
from muster_platform.alerts.kinds.table import KINDS, kind_of
from muster_platform.alerts.rule_service import RuleDraft, RuleEdit, RuleService
from muster_platform.alerts.states import Severity
from muster_platform.alerts.views import Preview, RuleView
from muster_platform.errors import InvalidInput
from muster_platform.paging import PageRequest
from muster_platform.web.site import gate
from muster_platform.web.site.alarm_words import SEVERITY
from muster_platform.web.site.views import choices
from muster_platform.web.site.views.rule_fields import fields_of, params_of

PAGE = 100
DEFAULT_KIND = "telemetry_threshold"


class Rules(gate.SiteView):
    """Rules."""

    @expose("/")
    def index(self) -> str:
        """List rules."""
        with gate.reading() as unit:
            page = RuleService(unit).search(PageRequest(PAGE, request.args.get("cursor") or None))
        return self.render(
            "site/rules/list.html",
            rules=page.items,
            kinds={name: kind.title for name, kind in KINDS.items()},
            severities=SEVERITY,
            older_url=gate.older(page.next_cursor),
        )

    @expose("/new", methods=("GET", "POST"))
    def create(self) -> str | Answer:
        """Make a rule; the form shows what it would raise before it is saved."""
        gate.actor().require_somewhere(Permission.RULES_WRITE)
        kind = kind_of(request.values.get("kind", DEFAULT_KIND))
        if request.method == "GET":
            return self._form(kind.name, {"severity": "warning", "enabled": "1"}, {})
        form, error, preview = request.form, "", None
        params: dict[str, Any] = {}
        try:
            params = params_of(kind, form)
            draft = _draft(kind.name, params)
            if form.get("do") == "save":
                with gate.writing() as unit:
                    made = RuleService(unit).create(draft)
                flash("The rule is saved; it is evaluated within seconds.", "success")
                return redirect(url_for(".edit", rule_id=made.id))
            with gate.reading() as unit:
                preview = RuleService(unit).preview(draft)
        except InvalidInput as refusal:
            error = gate.sentence(refusal)
        return self._form(kind.name, dict(form), params, error=error, preview=preview)

    @expose("/<rule_id>/", methods=("GET", "POST"))
    def edit(self, rule_id: str) -> str | Answer:
        """Show and change one."""
        with gate.reading() as unit:
            rule = RuleService(unit).get(rule_id)
        kind = kind_of(rule.kind)
        if request.method == "GET":
            return self._form(rule.kind, _filled(rule), rule.params, rule=rule)
        form, error, preview = request.form, "", None
        params: dict[str, Any] = rule.params
        try:
            params = params_of(kind, form)
            if form.get("do") == "save":
                version = int(form.get("version") or 0)
                edit = RuleEdit(
                    name=form.get("name", ""),
                    params=params,
                    severity=_severity(form.get("severity", "")),
                    device_filter=_device_filter(),
                    labels=_labels(form.get("labels", "")),
                    enabled="enabled" in form,
                )
                return gate.act(
                    lambda unit: RuleService(unit).change(rule_id, edit, if_version=version),
                    "Saved; it is evaluated now.",
                    url_for(".edit", rule_id=rule_id),
                )
            with gate.reading() as unit:
                preview = RuleService(unit).preview(_draft(rule.kind, params, rule.group_id))
        except InvalidInput as refusal:
            error = gate.sentence(refusal)
        except ValueError:
            error = "The form is not complete; load the page again."
        return self._form(rule.kind, dict(form), params, rule=rule, error=error, preview=preview)

    @expose("/<rule_id>/delete", methods=("POST",))
    def delete(self, rule_id: str) -> Answer:
        """Delete one."""
        return gate.act(
            lambda unit: RuleService(unit).delete(rule_id),
            "Deleted; its alarms are closed.",
            url_for(".index"),
        )

    def _form(
        self,
        kind: str,
        filled: dict[str, str],
        params: dict[str, Any],
        *,
        rule: RuleView | None = None,
        error: str = "",
        preview: Preview | None = None,
    ) -> str:
        return str(
            self.render(
                "site/rules/form.html",
                rule=rule,
                kind=KINDS[kind],
                kinds=[(name, one.title) for name, one in KINDS.items()],
                fields=fields_of(KINDS[kind], params, request.form),
                filled=filled,
                severities=[(str(key), look.label) for key, look in SEVERITY.items()],
                groups=choices.groups(Permission.RULES_WRITE),
                profiles=choices.profiles(),
                error=error,
                preview=preview,
            )
        )


def _draft(kind: str, params: dict[str, Any], group_id: int | None = None) -> RuleDraft:
    form = request.form
    group = str(group_id) if group_id is not None else form.get("group_id", "1")
    if not group.isdecimal() or len(group) > 18:
        raise InvalidInput("choose a group", where="group_id")
    return RuleDraft(
        name=form.get("name", "").strip() or KINDS[kind].title,
        kind=kind,
        params=params,
        severity=_severity(form.get("severity", "warning")),
        group_id=int(group),
        device_filter=_device_filter(),
        labels=_labels(form.get("labels", "")),
        enabled="enabled" in form,
    )


def _severity(text: str) -> Severity:
    if text not in SEVERITY:
        raise InvalidInput(f"severity is one of {', '.join(SEVERITY)}", where="severity")
    return Severity(text)


def _device_filter() -> dict[str, Any]:
    """Read the filter of devices that the form can say: profile and tag."""
    found: dict[str, Any] = {}
    if profile := request.form.get("f_profile", "").strip():
        found["profile"] = profile
    if tag := request.form.get("f_tag", "").strip():
        name, sign, value = tag.partition("=")
        found["tag"] = [name, value] if sign else name
    return found


def _labels(text: str) -> dict[str, str]:
    """Read `name=value, name=value`."""
    found: dict[str, str] = {}
    for part in filter(None, (one.strip() for one in text.split(","))):
        name, sign, value = part.partition("=")
        if not sign:
            raise InvalidInput(f"write a label as name=value, not {part[:40]!r}", where="labels")
        found[name.strip()] = value.strip()
    return found


def _filled(rule: RuleView) -> dict[str, str]:
    tag = rule.device_filter.get("tag", "")
    return {
        "name": rule.name,
        "severity": str(rule.severity),
        "group_id": str(rule.group_id),
        "enabled": "1" if rule.enabled else "",
        "labels": ", ".join(f"{name}={value}" for name, value in rule.labels.items()),
        "f_profile": str(rule.device_filter.get("profile", "")),
        "f_tag": "=".join(tag) if isinstance(tag, list) else str(tag),
    }
