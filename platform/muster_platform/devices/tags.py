"""Tags: names and values that select devices and grant nothing."""

import re
from collections.abc import Mapping

from muster_platform.db.text import clean
from muster_platform.devices.models import Device, Tag
from muster_platform.errors import InvalidInput

TAGS = 64
"""Most tags of one device."""
VALUE_CHARS = 128
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


def check_tags(tags: Mapping[str, str]) -> dict[str, str]:
    """Check names, values and count.

    Raises:
        InvalidInput: names the tag.
    """
    if len(tags) > TAGS:
        raise InvalidInput(f"a device has at most {TAGS} tags, not {len(tags)}", where="tags")
    checked = {}
    for name, value in tags.items():
        where = f"tags.{name[:64]}"
        if not _NAME.fullmatch(name):
            raise InvalidInput("a tag's name is letters, digits, . _ - (at most 64)", where=where)
        checked[name] = clean(value).strip()
        if len(checked[name]) > VALUE_CHARS:
            raise InvalidInput(f"a tag's value has at most {VALUE_CHARS} characters", where=where)
    return checked


def tags_of(device: Device) -> dict[str, str]:
    """Give a device's tags by name."""
    return {tag.name: tag.value for tag in sorted(device.tags, key=lambda tag: tag.name)}


def replace_tags(device: Device, tags: Mapping[str, str]) -> None:
    """Give a device exactly these (checked) tags."""
    present = {tag.name: tag for tag in device.tags}
    for name, value in tags.items():
        if name in present:
            present[name].value = value
        else:
            device.tags.append(Tag(name=name, value=value))
    for name in present.keys() - tags.keys():
        device.tags.remove(present[name])
