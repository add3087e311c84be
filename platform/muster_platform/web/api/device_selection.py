"""Which devices: the filter of list, counts and export; and the export itself."""

from collections.abc import Iterator
from typing import Annotated, Literal

from msgspec import Meta

from muster_platform.access.groups import full_names
from muster_platform.access.permissions import Permission
from muster_platform.devices.filters import DeviceFilter
from muster_platform.devices.gateways import gateway_names
from muster_platform.devices.import_rules import write_tags
from muster_platform.devices.models import Device
from muster_platform.devices.service import DeviceService
from muster_platform.devices.tags import tags_of
from muster_platform.errors import NotFound
from muster_platform.paging import PageRequest
from muster_platform.unit import Unit
from muster_platform.web.api.common import DeviceId, Input, Key
from muster_platform.web.api.routing import Csv, Routes
from muster_platform.web.site.csv_safe import lines
from muster_protocol.states import PresenceState

routes = Routes("Devices")

ProfileName = Annotated[str, Meta(min_length=1, max_length=64)]
Sort = Literal["device_id", "display_name", "created", "last_seen", "since"]


class DeviceSelection(Input, kw_only=True):
    """Which devices.

    Attributes:
        search: words that all occur in id or display name.
        presence: any of these; may be given several times.
        group: id of a group: its devices and those of groups inside it.
        tag: `name` or `name=value`.
        gateway: its children.
        kind: gateways with children, children, or those that connect by themselves.
    """

    search: Annotated[str, Meta(max_length=200)] = ""
    presence: list[PresenceState] = []
    profile: ProfileName | None = None
    group: Key | None = None
    tag: Annotated[str, Meta(min_length=1, max_length=200)] | None = None
    gateway: DeviceId | None = None
    kind: Literal["gateway", "child", "direct"] | None = None
    disabled: bool | None = None
    sort: Sort = "device_id"
    descending: bool = False

    def filter(self) -> DeviceFilter:
        """Give it as the service takes it."""
        tag: str | tuple[str, str] | None = self.tag
        if self.tag is not None and "=" in self.tag:
            name, _, value = self.tag.partition("=")
            tag = (name, value)
        return DeviceFilter(
            search=self.search,
            presence=frozenset(self.presence),
            profile=self.profile,
            group_id=self.group,
            tag=tag,
            gateway=self.gateway,
            kind=self.kind,
            disabled=self.disabled,
            sort=self.sort,
            descending=self.descending,
        )


@routes.add("GET", "/devices.csv", permission=Permission.DEVICES_READ, errors=(NotFound,))
def export_devices(unit: Unit, query: DeviceSelection) -> Csv:
    """Export the devices of a filter as CSV, as an import reads it; no cell is a formula.

    Ends after the setting `export_rows_max`.
    """
    return Csv("".join(lines(CSV_HEADER, _rows(unit, query.filter()))))


CSV_HEADER = (
    *("device_id", "profile", "group", "display_name", "tags", "gateway"),
    *("presence", "reason", "since", "last_seen"),
    *("agent", "created_at", "enrolled_at", "disabled_at"),
)
"""The first six are what an import reads; it passes over the others."""


def _rows(unit: Unit, wanted: DeviceFilter) -> Iterator[tuple[object, ...]]:
    """Give the lines of the export, page by page."""
    service, left = DeviceService(unit), unit.settings.export_rows_max
    cursor: str | None = None
    while left > 0:
        page = service.list(wanted, PageRequest(min(left, unit.settings.page_size_max), cursor))
        groups = full_names(unit.session, {device.group for device in page.items})
        gateways = gateway_names(unit, page.items)
        yield from (_row(device, groups, gateways) for device in page.items)
        unit.session.expunge_all()  # an export must not keep the fleet in memory twice
        left -= len(page.items)
        cursor = page.next_cursor
        if cursor is None:
            return


def _row(device: Device, groups: dict[int, str], gateways: dict[int, str]) -> tuple[object, ...]:
    presence = device.presence
    return (
        *(device.device_id, device.profile.name, groups[device.group_id], device.display_name),
        *(write_tags(tags_of(device)), gateways.get(device.gateway_id or 0, "")),
        *(presence.state, presence.reason, presence.since, presence.heard_at),
        *(device.agent, device.created_at, device.enrolled_at, device.disabled_at),
    )
