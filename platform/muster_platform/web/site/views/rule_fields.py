"""The fields of a rule's form, made from the parameters of its kind."""

import typing
from collections.abc import Mapping
from typing import Any, NamedTuple, get_args, get_origin

import msgspec
from werkzeug.datastructures import MultiDict

from muster_platform.alerts.kinds.base import Kind
from muster_platform.errors import InvalidInput

LABELS: dict[str, tuple[str, str]] = {
    "metric": ("Metric", "name of the value, such as temperature"),
    "comparison": ("Raise when it is", ""),
    "value": ("Limit", ""),
    "duration_s": ("For at least, in seconds", "0: at once"),
    "hysteresis": ("Hysteresis", "how far it must come back until the alarm clears"),
    "for_s": ("For at least, in seconds", ""),
    "only_online": ("Only of devices that are online", ""),
    "site_share": (
        "Share of a group that makes it one alarm",
        "0 to 1; 0: never. A lost site is one alarm and hides its devices",
    ),
    "site_least": ("And at least so many devices", ""),
    "text": ("Words", 'as in the log search: words, "phrases", -not'),
    "min_level": ("Level or worse", ""),
    "max_level": ("And not worse than", ""),
    "logger": ("Logger begins with", ""),
    "count": ("So many", ""),
    "window_s": ("Within, in seconds", ""),
    "profile": ("Only of the profile", "its name; empty: all"),
    "job_kind": ("Kind of job", "command or update; empty: any"),
    "share": ("Share that failed", "0 to 1, of the executions that ended"),
    "least": ("And at least so many", ""),
    "part": ("Part", "its name; * stands for anything"),
    "state": ("State or worse", ""),
}
"""Parameter -> label and help."""


CHOICES: dict[str, str] = {
    "": "any",
    ">": "above (>)",
    ">=": "at least (>=)",
    "<": "below (<)",
    "<=": "at most (<=)",
    "==": "equal to (==)",
    "!=": "other than (!=)",
    "warn": "unwell",
    "bad": "down",
}
"""Choice -> what people read, where it is not the choice itself."""


class Field(NamedTuple):
    """A field as drawn.

    Attributes:
        kind: text, number, check or select.
        choices: of a select, each with what people read.
    """

    name: str
    label: str
    help: str
    kind: str
    value: str
    choices: tuple[tuple[str, str], ...] = ()


def fields_of(
    kind: Kind[Any], given: dict[str, Any], typed: Mapping[str, str] | None = None
) -> list[Field]:
    """Give the fields of a kind, filled with parameters or with what was typed, right or wrong."""
    fields = [_field(item, given) for item in msgspec.structs.fields(kind.params)]
    if not typed:
        return fields
    return [one._replace(value=typed.get(f"p_{one.name}", "")) for one in fields]


def params_of(kind: Kind[Any], form: MultiDict[str, str]) -> dict[str, Any]:
    """Read the parameters that a form brings; what is left empty has its default.

    Raises:
        InvalidInput: a number that is none, or nothing where something is needed.
    """
    found: dict[str, Any] = {}
    for item in msgspec.structs.fields(kind.params):
        inner, text = _inner(item.type), form.get(f"p_{item.name}", "").strip()
        if inner is bool:
            found[item.name] = f"p_{item.name}" in form
        elif text:
            found[item.name] = _read(item.name, inner, text)
        elif item.required:
            label = LABELS.get(item.name, (item.name, ""))[0]
            raise InvalidInput(f"{label}: say what it is", where=f"params.{item.name}")
    return found


def _read(name: str, inner: Any, text: str) -> Any:
    if inner not in (int, float):
        return text
    try:
        return inner(text)
    except ValueError:
        label = LABELS.get(name, (name, ""))[0]
        kind = "whole number" if inner is int else "number"
        raise InvalidInput(f"{label}: {text[:40]!r} is no {kind}", where=f"params.{name}") from None


def _field(item: Any, given: dict[str, Any]) -> Field:
    label, text = LABELS.get(item.name, (item.name, ""))
    value = given.get(item.name, "" if item.required else item.default)
    inner = _inner(item.type)
    if inner is bool:
        return Field(item.name, label, text, "check", "1" if value else "")
    choices = _choices(item.type)
    if choices:
        blank = () if item.default is not None else ("",)
        read = tuple((one, CHOICES.get(one, one)) for one in (*blank, *choices))
        return Field(item.name, label, text, "select", str(value or ""), read)
    kind = "number" if inner in (int, float) else "text"
    shown = f"{value:g}" if isinstance(value, float) else str(value if value is not None else "")
    return Field(item.name, label, text, kind, shown)


def _inner(kind: Any) -> Any:
    """Give the plain type behind Annotated and optional."""
    if get_origin(kind) is typing.Annotated:
        return _inner(get_args(kind)[0])
    options = [one for one in get_args(kind) if one is not type(None)]
    if get_origin(kind) is not typing.Literal and len(options) == 1:
        return _inner(options[0])
    return kind


def _choices(kind: Any) -> tuple[str, ...]:
    inner = _inner(kind)
    if get_origin(inner) is typing.Literal:
        return tuple(map(str, get_args(inner)))
    members = getattr(inner, "__members__", None)
    return tuple(str(one.value) for one in members.values()) if members else ()
