"""What a live tail shows: pure decisions on what ingest tells of the records of a batch."""

from dataclasses import dataclass, field
from typing import Any

from muster_platform.access.groups import group_by_id
from muster_platform.access.permissions import Permission
from muster_platform.db.text import clean
from muster_platform.devices.filters import in_group
from muster_platform.devices.find import find_device
from muster_platform.errors import InvalidInput
from muster_platform.logs.text_query import Term, matches, parse
from muster_platform.unit import Unit
from muster_protocol.messages import LEVEL_NUMBER, Level

NAMES = ("device_id", "group", "min_level", "text", "logger")
LOGGER_CHARS = 128


@dataclass(frozen=True, slots=True)
class Tail:
    """Which records somebody follows; "" and () do not narrow.

    Attributes:
        topic: `device:KEY` of one device.
        group_path: of devices in this group or inside it.
        least: number of the least level.
        logger: its name begins so.
    """

    topic: str = ""
    group_path: str = ""
    least: int = 0
    terms: tuple[Term, ...] = field(default=())
    logger: str = ""

    def is_about(self, topic: str, group_path: str) -> bool:
        """Say whether it follows a device, by its topic and where it is now."""
        return (not self.topic or topic == self.topic) and group_path.startswith(self.group_path)

    def chosen(self, records: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Give those of a device's records that it follows."""
        return [record for record in records if self._wants(record)]

    def _wants(self, record: dict[str, Any]) -> bool:
        if record["level"] < self.least or not record["logger"].startswith(self.logger):
            return False
        return matches(self.terms, f"{record['message']}\n{record.get('fault') or ''}")


def open_tail(unit: Unit, wanted: dict[str, Any]) -> Tail:
    """Make a tail of what a reader asks for, as far as the actor may.

    Args:
        wanted: members of NAMES; `group` is an id.

    Raises:
        PermissionDenied: without logs:read on the device, or on any group at all.
        NotFound: no such device or group for the actor.
        InvalidInput: a member that is none, or cannot be read.
    """
    unknown = wanted.keys() - set(NAMES)
    if unknown:
        raise InvalidInput(f"a tail has no {sorted(unknown)[0][:40]!r}; it has {', '.join(NAMES)}")
    unit.actor.require_somewhere(Permission.LOGS_READ)
    device_id, group = _text(wanted, "device_id"), wanted.get("group")
    return Tail(
        topic=_topic(unit, device_id) if device_id else "",
        group_path=_path(unit, group) if group is not None else "",
        least=_level(_text(wanted, "min_level")),
        terms=parse(_text(wanted, "text")),
        logger=_text(wanted, "logger")[:LOGGER_CHARS],
    )


def _text(wanted: dict[str, Any], name: str) -> str:
    value = wanted.get(name) or ""
    if not isinstance(value, str):
        raise InvalidInput(f"{name} is a text", where=name)
    return clean(value).strip()


def _topic(unit: Unit, device_id: str) -> str:
    return f"device:{find_device(unit, device_id, Permission.LOGS_READ).id}"


def _path(unit: Unit, group: object) -> str:
    if not isinstance(group, int) or isinstance(group, bool) or not 0 < group < 2**63:
        raise InvalidInput("group is the id of a group", where="group")
    in_group(unit, group)  # refuses one that the actor may not know of
    return group_by_id(unit.session, group).path


def _level(text: str) -> int:
    if not text:
        return 0
    try:
        return LEVEL_NUMBER[Level(text)]
    except ValueError:
        raise InvalidInput(f"min_level is one of {', '.join(Level)}", where="min_level") from None
