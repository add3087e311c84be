"""Says in words which devices were meant: by a choice, or by the target of a job."""

from typing import Any

from muster_platform.access.groups import GroupService
from muster_platform.errors import NotFound
from muster_platform.unit import Unit


def filter_text(unit: Unit, document: dict[str, Any]) -> str:
    """Say what a filter narrows to, "" where it narrows nothing.

    Args:
        document: as `selection.filter_document` gives it.
    """
    named = dict(document)
    if "group_id" in named:
        named["group"] = group_name(unit, named.pop("group_id"))
    return " and ".join(f"{name} {_plain(value)}" for name, value in named.items())


def target_text(unit: Unit, target: dict[str, Any]) -> str:
    """Say what a job was aimed at."""
    if "devices" in target:
        names = target["devices"]
        more = f" and {len(names) - 5:,} more" if len(names) > 5 else ""
        return ", ".join(names[:5]) + more
    if "tag" in target:
        tag = target["tag"]
        value = "any value" if tag.get("value") is None else tag["value"]
        return f"devices tagged {tag.get('name')}={value}"
    if "filter" in target:
        narrowed = filter_text(unit, target["filter"])
        return f"devices with {narrowed}" if narrowed else "all devices"
    return f"devices in {group_name(unit, target['group'])}"


def group_name(unit: Unit, group_id: int) -> str:
    """Name a group, as far as it may be read."""
    try:
        return GroupService(unit).get(group_id).name
    except NotFound:
        return "another group"


def _plain(value: Any) -> str:
    if isinstance(value, list):
        return " or ".join(map(str, value))
    return str(value)
