"""Devices as a list: find, filter, sort, export; register, edit."""

from typing import Any, ClassVar

from flask import request, url_for
from flask_admin.form import BaseForm
from wtforms import HiddenField, SelectField, StringField
from wtforms.validators import DataRequired, Length

from muster_platform.access.permissions import Permission
from muster_platform.devices.filters import DeviceFilter
from muster_platform.devices.import_rules import write_tags
from muster_platform.devices.models import Device
from muster_platform.devices.selection import filter_document
from muster_platform.devices.service import DeviceService
from muster_platform.devices.tags import tags_of
from muster_platform.errors import InvalidInput
from muster_platform.paging import Page
from muster_platform.unit import Unit
from muster_platform.web.site import gate, words
from muster_platform.web.site.filters import ListFilter
from muster_platform.web.site.model import COUNT_MAX, ListQuery, ServiceModelView
from muster_platform.web.site.views import bulk_form, choices
from muster_platform.web.site.views.cells import cell
from muster_platform.web.site.views.forms import read_tags, version_of
from muster_protocol.states import PresenceState

SORTS = {
    "device": "display_name",
    "heard": "last_seen",
    "since": "since",
    "created": "created",
}
"""Column -> order of the service."""


class DeviceForm(BaseForm):
    """What people may say of a device."""

    version = HiddenField()

    device_id = StringField(
        "Device id",
        [DataRequired(), Length(max=64)],
        description="Its MQTT client id and user name: letters, digits, . _ - Never renamed.",
    )
    display_name = StringField("Name", [Length(max=128)], description="For people; may change.")
    profile = SelectField("Profile", [DataRequired()])
    group_id = SelectField("Group", [DataRequired()], description="Decides who may see it.")
    tags = StringField("Tags", description="name=value, separated by commas: site=berlin, floor=2")
    gateway = StringField(
        "Gateway",
        [Length(max=64)],
        description="Device id of the gateway that speaks for it; empty: it connects by itself.",
    )


class DeviceList(ServiceModelView):
    """All devices that the person may see."""

    list_template = "site/registry/device_list.html"
    create_text = "Register device"
    column_list = ("device", "state", "profile", "group", "heard", "tags")
    column_labels: ClassVar[dict[str, str]] = {
        "device": "Device",
        "state": "State",
        "profile": "Profile",
        "group": "Group",
        "heard": "Last heard",
        "tags": "Tags",
    }
    column_sortable_list = ("device", "heard")
    column_searchable_list = ("device",)
    column_formatters: ClassVar[dict[str, Any]] = {
        "device": cell("device_name"),
        "state": cell("presence"),
        "profile": lambda _v, _c, row, _n: row.profile.title or row.profile.name,
        "group": lambda _v, _c, row, _n: row.group.name,
        "heard": cell("heard"),
        "tags": cell("tags"),
    }
    column_export_list = (
        *("device_id", "profile", "group", "display_name", "tags", "gateway"),
        *("presence", "reason", "since", "heard_at", "disabled_at", "agent"),
    )
    column_filters = (
        ListFilter("presence", "Presence", choices.presence, "Any presence"),
        ListFilter("profile", "Profile", choices.profiles),
        ListFilter("group", "Group", choices.groups),
        ListFilter("tag", "Tag", suggestions=choices.tags),
        ListFilter("kind", "Connection", choices.kinds, "Any connection"),
        ListFilter("component", "Component"),
    )
    details_only = ("profile", "tags")
    form = DeviceForm
    empty_title = "No devices yet"
    empty_text = (
        "Register one and give it its secret, or make an enrolment token with which devices "
        "register themselves."
    )

    @property
    def can_create(self) -> bool:  # type: ignore[override]
        """Say whether the person may register devices anywhere."""
        return gate.actor().may_somewhere(Permission.DEVICES_ENROL)

    @property
    def can_edit(self) -> bool:  # type: ignore[override]
        """Say whether the person may change devices anywhere."""
        return gate.actor().may_somewhere(Permission.DEVICES_WRITE)

    def bulk_acts(self) -> list[tuple[str, str]]:
        """Give what the person may do to many devices somewhere."""
        person = gate.actor()
        return [
            (act, text)
            for act, text in bulk_form.texts()
            if person.may_somewhere(bulk_form.permission_of(act))
        ]

    def bulk_filter(self, query: ListQuery) -> dict[str, Any]:
        """Give the filter of the list."""
        return filter_document(device_filter(query))

    def search_placeholder(self) -> str:
        """Say what the search looks into."""
        return "Id or name"

    def get_pk_value(self, model: Device) -> str:
        """Give the device id."""
        return model.device_id

    def row_name(self, row: Device) -> str:
        """Give the display name."""
        return row.display_name or row.device_id

    def row_url(self, row: Device) -> str:
        """Give the device page."""
        return url_for("devices.page", device_id=row.device_id)

    def get_save_return_url(self, model: Any, is_created: bool = False) -> str:
        """Go on to the device page."""
        return self.row_url(model)

    def fetch(self, unit: Unit, query: ListQuery) -> Page[Device]:
        """Read one page."""
        return DeviceService(unit).list(device_filter(query), query.page)

    def count(self, unit: Unit, query: ListQuery) -> int:
        """Count what matches."""
        return DeviceService(unit).count(device_filter(query), COUNT_MAX + 1)

    def one(self, unit: Unit, pk: str) -> Device:
        """Read one."""
        return DeviceService(unit).get(pk)

    def create_form(self, obj: Any = None) -> BaseForm:
        """Give the empty form with the choices of this person."""
        form = _with_choices(super().create_form(obj), Permission.DEVICES_ENROL)
        form.profile.choices = dict(choices.profiles())
        if not form.gateway.data:
            form.gateway.data = request.args.get("gateway", "")[:64]
        return form

    def edit_form(self, obj: Any = None) -> BaseForm:
        """Give the form of a device; id and profile never change."""
        form = _with_choices(super().edit_form(obj), Permission.DEVICES_WRITE)
        del form.device_id
        del form.profile
        del form.gateway
        return form

    def on_form_prefill(self, form: BaseForm, id: Any) -> None:  # noqa: A002
        """Write the present values in."""
        device = self.get_one(id)
        form.display_name.data = device.display_name
        form.group_id.data = str(device.group_id)
        form.tags.data = ", ".join(
            f"{tag.name}={tag.value}" if tag.value else tag.name for tag in device.tags
        )

    def create(self, unit: Unit, form: BaseForm) -> Device:
        """Register a device."""
        return DeviceService(unit).register(
            form.device_id.data.strip(),
            form.profile.data,
            group_id=int(form.group_id.data),
            display_name=form.display_name.data or None,
            tags=read_tags(form.tags.data or ""),
            gateway=(form.gateway.data or "").strip() or None,
        )

    def update(self, unit: Unit, form: BaseForm, row: Device) -> None:
        """Change name, group and tags."""
        DeviceService(unit).update(
            row.device_id,
            display_name=form.display_name.data or None,
            group_id=int(form.group_id.data),
            tags=read_tags(form.tags.data or ""),
            if_version=version_of(form),
        )

    def get_export_value(self, model: Device, name: str) -> Any:
        """Give one cell of the export."""
        presence = model.presence
        plain = {
            "presence": presence.state,
            "reason": presence.reason,
            "since": presence.since,
            "heard_at": presence.heard_at,
            "profile": model.profile.name,
            "group": choices.group_name(model.group),
            "tags": write_tags(tags_of(model)),
            "gateway": choices.gateway_name(model),
        }
        return plain[name] if name in plain else getattr(model, name)


def device_filter(query: ListQuery) -> DeviceFilter:
    """Turn what the list was asked for into the service's filter.

    Raises:
        InvalidInput: a value that is none.
    """
    wanted = query.filters
    tag_name, _, tag_value = wanted.get("tag", "").partition("=")
    component, _, version = wanted.get("component", "").partition("=")
    return DeviceFilter(
        search=query.search,
        presence=frozenset({_presence(wanted["presence"])} if "presence" in wanted else ()),
        profile=wanted.get("profile"),
        group_id=_integer(wanted["group"]) if "group" in wanted else None,
        tag=((tag_name, tag_value) if tag_value else tag_name) if tag_name else None,
        kind=wanted.get("kind"),
        component=((component, version) if version else component) if component else None,
        sort=SORTS.get(query.sort or "", "device_id"),
        descending=query.descending,
    )


def _presence(text: str) -> PresenceState:
    if text not in words.PRESENCE:
        raise InvalidInput(f"no such presence: {text[:40]}", where="presence")
    return PresenceState(text)


def _integer(text: str) -> int:
    if not (text.isascii() and text.isdecimal()):
        raise InvalidInput(f"not the id of a group: {text[:40]}", where="group")
    return int(text)


def _with_choices(form: BaseForm, permission: Permission) -> BaseForm:
    form.group_id.choices = dict(choices.groups(permission))
    return form
