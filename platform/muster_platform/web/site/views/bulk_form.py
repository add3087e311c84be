"""Reads what the bulk pages are asked: an act, who is meant, and the act's arguments."""

import json
from dataclasses import dataclass
from typing import Any

from werkzeug.datastructures import MultiDict

from muster_platform.access.permissions import Permission
from muster_platform.devices.bulk.acts import ACTS, OFFERED
from muster_platform.devices.selection import Selection, filter_document, parse_filter
from muster_platform.errors import InvalidInput
from muster_platform.web.api.decoding import check_storable
from muster_platform.web.site.views.forms import json_object, read_tags

COMMAND = "command"
COMMAND_TEXT = "Send a command"

Fields = MultiDict[str, str]


@dataclass(frozen=True, slots=True)
class Asked:
    """What a bulk page was asked.

    Attributes:
        args: of the act; of a command {name, args}. None while they were not given yet.
        typed: the fields as the person typed them.
    """

    act: str
    selection: Selection
    args: dict[str, Any] | None
    typed: dict[str, str]

    @property
    def text(self) -> str:
        """Say what it does, as a button says it."""
        return COMMAND_TEXT if self.act == COMMAND else ACTS[self.act].text


FIELDS: dict[str, tuple[str, ...]] = {
    "move": ("group",),
    "tag": ("add", "remove"),
    COMMAND: ("name", "args"),
}
"""Fields of the form by act; an act that is not named here has none."""


def permission_of(act: str) -> Permission:
    """Give the permission that an act needs on every device."""
    return Permission.COMMANDS_RUN if act == COMMAND else ACTS[act].permission


def texts() -> list[tuple[str, str]]:
    """Give all acts and what buttons call them."""
    return [(COMMAND, COMMAND_TEXT), *((name, ACTS[name].text) for name in OFFERED)]


def read(fields: Fields) -> Asked:
    """Read the query or form of a bulk page.

    Raises:
        InvalidInput: no such act, nobody chosen, or a field that does not fit.
    """
    act = fields.get("act", "")
    if act != COMMAND and act not in OFFERED:
        raise InvalidInput("choose what is to be done", where="act")
    names = FIELDS.get(act, ())
    typed = {name: fields.get(name, "") for name in names}
    given = not names or any(name in fields for name in names)
    return Asked(act, _selection(fields), _args(act, typed) if given else None, typed)


def _selection(fields: Fields) -> Selection:
    if fields.get("all"):
        document = json_object(fields.get("filter", "{}"), "filter")
        check_storable(document, "filter")
        return Selection(filter=parse_filter(document, "filter"))
    devices = tuple(dict.fromkeys(fields.getlist("device")))
    if not devices:
        raise InvalidInput("tick the devices first", where="device")
    return Selection(devices=devices)


def _args(act: str, typed: dict[str, str]) -> dict[str, Any]:
    if act == "move":
        group = typed["group"]
        if not (group.isascii() and group.isdecimal()):
            raise InvalidInput("choose a group", where="group")
        return {"group": int(group)}
    if act == "tag":
        removed = [name.strip() for name in typed["remove"].split(",") if name.strip()]
        return {"add": read_tags(typed["add"]), "remove": removed}
    if act == COMMAND:
        return {"name": typed["name"].strip(), "args": json_object(typed["args"], "args")}
    return {}


def hidden(asked: Asked) -> list[tuple[str, str]]:
    """Give act and selection as the fields that `read` reads."""
    chosen = asked.selection
    fields = [("act", asked.act)]
    if chosen.filter is not None:
        fields += [("all", "1"), ("filter", json.dumps(filter_document(chosen.filter)))]
    else:
        fields += [("device", device) for device in chosen.devices]
    return fields
