"""Settings of profiles and groups, and single keys of a device."""

import json
from typing import Any

from flask import flash, redirect, request, url_for
from flask_admin import expose
from werkzeug.wrappers import Response

from muster_platform.access.groups import full_names, group_by_id
from muster_platform.access.permissions import Permission
from muster_platform.devices import retention
from muster_platform.devices.models import Profile
from muster_platform.devices.profiles import ProfileService
from muster_platform.devices.settings_layers import LayerService, LayerView
from muster_platform.devices.settings_service import SettingsService
from muster_platform.errors import InvalidInput
from muster_platform.unit import Unit
from muster_platform.web.site import gate
from muster_platform.web.site.context import duration, one_line
from muster_platform.web.site.links import list_url
from muster_platform.web.site.views.forms import json_object
from muster_platform.web.site.views.runs import pretty

Target = int | str


class SettingsPages(gate.SiteView):
    """What is desired of all devices of a profile or in a group: plan first, then apply."""

    @expose("/")
    def index(self) -> Response:
        """Go to the profiles."""
        return redirect(url_for("profile.index_view"))

    @expose("/profile/<profile_name>", methods=("GET", "POST"))
    def profile(self, profile_name: str) -> Response | str:
        """Show, plan and change the settings of a profile."""
        return self._page(profile_name)

    @expose("/group/<int:group_id>", methods=("GET", "POST"))
    def group(self, group_id: int) -> Response | str:
        """Show, plan and change the settings of a group."""
        return self._page(group_id)

    @expose("/device/<device_id>/set", methods=("POST",))
    def set_key(self, device_id: str) -> Response:
        """Set one key of a device."""
        key = request.form.get("key", "").strip()

        def change(unit: Unit) -> None:
            if not key:
                raise InvalidInput("name the setting", where="key")
            value = json_value(request.form.get("value", ""))
            SettingsService(unit).patch(device_id, {key: value})

        return gate.act(change, f"{key} is desired of this device now.", _device(device_id))

    @expose("/device/<device_id>/reset", methods=("POST",))
    def reset_key(self, device_id: str) -> Response:
        """Take one key of a device out, so that it is inherited again."""
        key = request.form.get("key", "")
        return gate.act(
            lambda unit: SettingsService(unit).patch(device_id, {key: None}),
            f"{key} is inherited again, if anybody around desires it.",
            _device(device_id),
        )

    def _page(self, target: Target) -> Response | str:
        if request.method == "GET":
            return self._draw(target)
        text = request.form.get("desired", "")
        try:
            desired = json_object(text, "desired")
            if request.form.get("act") == "apply":
                return self._apply(target, desired)
            with gate.reading() as unit:
                made = LayerService(unit).plan(target, desired)
        except gate.TELLABLE as error:
            flash(gate.sentence(error), "error")
            return self._draw(target, draft=text)
        return self._draw(target, draft=pretty(desired), plan=made, wanted=json.dumps(desired))

    def _apply(self, target: Target, desired: dict[str, Any]) -> Response:
        version = request.form.get("version", "")
        with gate.writing() as unit:
            LayerService(unit).set_desired(
                target, desired, int(version) if version.isdecimal() else None
            )
        flash("Saved; each device hears of it when its turn comes and it is there.", "success")
        return redirect(_here(target), 303)

    def _draw(self, target: Target, draft: str | None = None, **more: Any) -> str:
        with gate.reading() as unit:
            layer = LayerService(unit).get(target)
            shown = _owner(unit, target)
        return self.render(
            "site/settings/layer.html",
            layer=layer,
            rows=_rows(layer),
            draft=pretty(layer.desired) if draft is None else draft,
            action=_here(target),
            **({"plan": None, "wanted": "", "facts": None} | shown | more),
        )


def json_value(text: str) -> Any:
    """Read a value as JSON; what is none is a text.

    Raises:
        InvalidInput: nothing, or null.
    """
    if not text.strip():
        raise InvalidInput(
            "give a value: JSON such as 5, true or {…}, or plain text", where="value"
        )
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return text.strip()
    if value is None:
        raise InvalidInput("null is no value: reset the setting instead", where="value")
    return value


def _rows(layer: LayerView) -> list[tuple[str, str]]:
    return [(key, one_line(value)) for key, value in sorted(layer.desired.items())]


def _owner(unit: Unit, target: Target) -> dict[str, Any]:
    """Give what the page says about the profile or the group."""
    if isinstance(target, str):
        profile = ProfileService(unit).get(target)
        return {
            "trail": [
                ("Profiles", url_for("profile.index_view")),
                (profile.title, url_for("profile.edit_view", id=profile.name)),
                ("Settings", ""),
            ],
            "title": profile.title,
            "devices_url": list_url("device.index_view", profile=profile.name),
            "may_write": unit.actor.may(Permission.PROFILES_WRITE),
            "facts": _facts(unit, profile),
            "facts_of": profile.name,
        }
    group = group_by_id(unit.session, target)
    return {
        "trail": [
            ("Groups", url_for("group.index_view")),
            (full_names(unit.session, [group])[group.id], url_for("group.details_view", id=target)),
            ("Settings", ""),
        ],
        "title": group.name,
        "devices_url": list_url("device.index_view", group=str(target)),
        "may_write": unit.actor.may(Permission.SETTINGS_WRITE, group.path),
    }


def _facts(unit: Unit, profile: Profile) -> list[tuple[str, str]]:
    """Say in words what a profile allows, and how long its data is kept."""

    def kept(kind: str) -> str:
        days = retention.kept_days(unit, profile, kind)
        return f"{days} days" if days else "for ever"

    def seconds(name: str) -> str:
        own: int | None = getattr(profile, f"command_{name}")
        return duration(getattr(unit.settings, f"execution_{name}") if own is None else own)

    largest = profile.message_bytes_max or unit.settings.payload_bytes
    return [
        ("Telemetry is kept", kept("telemetry")),
        ("Logs are kept", kept("logs")),
        ("Largest message", f"{largest} bytes"),
        ("Most metrics of a device", str(profile.metrics_max or "any number")),
        ("Commands wait at most", seconds("queue_s")),
        ("Commands run at most", seconds("timeout_s")),
        ("Commands are silent at most", seconds("step_timeout_s")),
    ]


def _here(target: Target) -> str:
    if isinstance(target, str):
        return url_for("settings.profile", profile_name=target)
    return url_for("settings.group", group_id=target)


def _device(device_id: str) -> str:
    return url_for("devices.page", device_id=device_id, tab="settings")
