"""One device: what it is, says and does, and what people do to it."""

from types import SimpleNamespace
from typing import Any

from flask import flash, jsonify, redirect, request, url_for
from flask_admin import expose
from werkzeug.utils import secure_filename
from werkzeug.wrappers import Response

from muster_platform.access.permissions import Permission
from muster_platform.bootstrap import DEVICE_HOOKS, TIMELINE
from muster_platform.devices.credentials import OVERLAP_S, CredentialService
from muster_platform.devices.gateways import children_count, gateway_name
from muster_platform.devices.models import Device
from muster_platform.devices.service import DeviceService
from muster_platform.devices.settings_service import SettingsService
from muster_platform.devices.telemetry import TelemetryService
from muster_platform.devices.timeline import TimelineService
from muster_platform.errors import NotFound
from muster_platform.jobs.service import JobService
from muster_platform.jobs.views import Limits
from muster_platform.unit import Unit
from muster_platform.web import values_csv
from muster_platform.web.context import platform
from muster_platform.web.fresh import require_fresh
from muster_platform.web.site import exports, gate
from muster_platform.web.site.views import device_parts as parts
from muster_platform.web.site.views.device_charts import window
from muster_platform.web.site.views.forms import json_object, positive_integer

TABS = {
    "overview": "Overview",
    "commands": "Commands",
    "timeline": "Timeline",
    "settings": "Settings",
    "inventory": "Inventory",
    "children": "Children",
    "raw": "Raw messages",
    "access": "Access & ledger",
}
NEEDS = {
    "commands": Permission.COMMANDS_READ,
    "settings": Permission.SETTINGS_READ,
    "raw": Permission.LOGS_READ,
}
"""Tabs that need more than to read the device."""


class DevicePage(gate.SiteView):
    """The pages of a device."""

    @expose("/")
    def index(self) -> Response:
        """Go to the list."""
        return redirect(url_for("device.index_view"))

    @expose("/<device_id>/")
    @expose("/<device_id>/<tab>")
    def page(self, device_id: str, tab: str = "overview") -> str:
        """Show one tab."""
        if tab not in TABS:
            raise NotFound("page of a device", tab)
        with gate.reading() as unit:
            return self._draw(unit, DeviceService(unit).get(device_id), tab)

    def _draw(self, unit: Unit, device: Device, tab: str, **more: Any) -> str:
        if tab in NEEDS:
            unit.actor.require(NEEDS[tab], device.group.path, device.group.name)
        shown = {"draft": parts.NO_DRAFT} | parts.TABS[tab](unit, device) | more
        tabs = [
            (name, text)
            for name, text in TABS.items()
            if (name != "children" or device.gateway_id is None)
            if name not in NEEDS or unit.actor.may(NEEDS[name], device.group.path)
        ]
        template = "commands_tab" if tab == "commands" else tab
        return self.render(
            f"site/device/{template}.html",
            **shown,
            device=device,
            gateway=gateway_name(unit, device),
            children_count=children_count(unit, device),
            kept_days=platform().settings.restore_s // 86_400,
            open_alarms=parts.open_alarms(unit, device),
            tab=tab,
            tabs=tabs,
            default_timeout_s=platform().settings.execution_timeout_s,
        )

    @expose("/<device_id>/part/<piece>")
    def part(self, device_id: str, piece: str) -> str:
        """Draw one part again."""
        if piece not in parts.FRAGMENTS:
            raise NotFound("part of the page", piece)
        template, read = parts.FRAGMENTS[piece]
        with gate.reading() as unit:
            device = DeviceService(unit).get(device_id)
            back = url_for(".page", device_id=device_id)
            return self.render(template, **read(unit, device), device=device, here=back)

    @expose("/<device_id>/timeline.csv")
    def export_timeline(self, device_id: str) -> Response:
        """Export the timeline."""
        lines = exports.rows(
            lambda unit, page: TimelineService(unit, TIMELINE).list(device_id, page)
        )
        cells = ((line.at, line.kind, line.summary, line.actor) for line in lines)
        return exports.csv(f"timeline-{device_id}", ("At", "Kind", "What", "Who"), cells)

    @expose("/<device_id>/telemetry.json")
    def telemetry(self, device_id: str) -> Response:
        """Give what the charts of the asked metrics are drawn from, and the latest values."""
        with gate.reading() as unit:
            return jsonify(parts.history(unit, device_id, request.args.getlist("metric")))

    @expose("/<device_id>/telemetry.csv")
    def values(self, device_id: str) -> Response:
        """Export values of the asked metrics (all without any) and time, as they were sent."""
        with gate.reading() as unit:
            since, until = window(unit.now()) if request.args.get("since") else (None, None)
            metrics = request.args.getlist("metric")
            rows = TelemetryService(unit).raw(device_id, metrics, since, until)
            text = "".join(values_csv.lines(rows))
        answer = Response(text, mimetype="text/csv")
        filename = secure_filename(f"{device_id}-telemetry.csv")
        answer.headers["Content-Disposition"] = f"attachment; filename={filename}"
        return answer

    @expose("/<device_id>/log.json")
    def log(self, device_id: str) -> Response:
        """Give the end of the log."""
        with gate.reading() as unit:
            level, text = request.args.get("level", ""), request.args.get("text", "")
            return jsonify(records=parts.log_tail(unit, device_id, level, text))

    @expose("/<device_id>/send", methods=("POST",))
    def send(self, device_id: str) -> Response | str:
        """Send a command; what was typed stays where it is refused."""
        draft = SimpleNamespace(
            name=request.form.get("name", "").strip(),
            args=request.form.get("args", ""),
            timeout_s=request.form.get("timeout_s", ""),
        )
        try:
            args = json_object(draft.args, "args")
            timeout_s = positive_integer(draft.timeout_s, "timeout_s") if draft.timeout_s else None
            with gate.writing() as unit:
                JobService(unit).create_command(
                    draft.name,
                    args,
                    target={"devices": [device_id]},
                    limits=Limits(timeout_s=timeout_s),
                )
        except gate.TELLABLE as error:
            flash(gate.sentence(error), "error")
            with gate.reading() as unit:
                device = DeviceService(unit).get(device_id)
                return self._draw(unit, device, "overview", draft=draft)
        return redirect(url_for(".page", device_id=device_id), 303)

    @expose("/<device_id>/settings/save", methods=("POST",))
    def save_settings(self, device_id: str) -> Response | str:
        """Save what is desired, unless somebody else did meanwhile."""
        text = request.form.get("desired", "")
        try:
            version = request.form.get("version", "")
            desired = json_object(text, "desired")
            with gate.writing() as unit:
                SettingsService(unit).set_desired(
                    device_id, desired, if_version=int(version) if version.isdecimal() else None
                )
        except gate.TELLABLE as error:
            flash(gate.sentence(error), "error")
            with gate.reading() as unit:
                device = DeviceService(unit).get(device_id)
                return self._draw(unit, device, "settings", draft=text)
        flash("Saved as desired; the device applies it when it is reached.", "success")
        return redirect(url_for(".page", device_id=device_id, tab="settings"), 303)

    @expose("/<device_id>/rotate", methods=("POST",))
    def rotate(self, device_id: str) -> str:
        """Make a new secret and show it this once."""
        text = request.form.get("overlap_s", "")
        overlap_s = int(text) if text.isascii() and text.isdecimal() else OVERLAP_S
        with gate.writing() as unit:
            secret = CredentialService(unit).rotate(device_id, overlap_s)
        with gate.reading() as unit:
            device = DeviceService(unit).get(device_id)
            return self._draw(unit, device, "access", secret=secret)

    @expose("/<device_id>/revoke", methods=("POST",))
    def revoke(self, device_id: str) -> Response:
        """Revoke one secret."""
        credential = request.form.get("credential", "")
        return gate.act(
            lambda unit: CredentialService(unit).revoke(device_id, credential),
            "The secret was revoked.",
            url_for(".page", device_id=device_id, tab="access"),
        )

    @expose("/<device_id>/disable", methods=("POST",))
    def disable(self, device_id: str) -> Response:
        """Disable the device."""
        return gate.act(
            lambda unit: DeviceService(unit).disable(device_id, hooks=DEVICE_HOOKS),
            "The device is disabled and was disconnected.",
            url_for(".page", device_id=device_id),
        )

    @expose("/<device_id>/enable", methods=("POST",))
    def enable(self, device_id: str) -> Response:
        """Enable the device."""
        return gate.act(
            lambda unit: DeviceService(unit).enable(device_id),
            "The device is enabled and may connect.",
            url_for(".page", device_id=device_id),
        )

    @expose("/<device_id>/delete", methods=("POST",))
    def delete(self, device_id: str) -> Response:
        """Delete the device; with its data where that was asked for."""
        purge = bool(request.form.get("purge"))
        if purge:
            require_fresh()
        return gate.act(
            lambda unit: DeviceService(unit).delete(device_id, hooks=DEVICE_HOOKS, purge=purge),
            f"{device_id} was deleted with its data."
            if purge
            else f"{device_id} was deleted; it can be restored for a time.",
            url_for("device.index_view"),
        )
