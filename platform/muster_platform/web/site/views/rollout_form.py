"""The form of a new rollout, read from what was typed; and what a plan looks like."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

from muster_platform.errors import InvalidInput
from muster_platform.jobs.targets import Target
from muster_platform.updates.rollout_plan import MODES, PhaseSpec, RolloutPlan, RolloutSpec

ROWS = 4
MISSING: dict[str, str] = {
    "group": "choose a group, or say otherwise which devices it is for",
    "tag": "write the tag of the devices it is for",
    "devices": "write the ids of the devices it is for",
}
"""Way to name devices -> what is said when its field is empty."""
NAMED = 50
"""Devices that a plan names on the page; its counts are of all."""

FIRST: dict[str, str] = {
    "mode": "auto",
    "kind": "group",
    "size_1": "5%",
    "errors_1": "1",
    "soak_1": "60",
    "success_1": "90",
    "size_2": "25%",
    "errors_2": "5%",
    "soak_2": "60",
    "success_2": "90",
    "size_3": "rest",
    "errors_3": "5%",
    "soak_3": "0",
    "success_3": "90",
}
"""What the form proposes; soaks are in minutes."""

NAMES = (
    *("release_id", "kind", "group", "tag", "devices", "mode", "downgrade"),
    *(f"{part}_{row}" for row in range(1, ROWS + 1) for part in ("size", "success", "errors")),
    *(f"{part}_{row}" for row in range(1, ROWS + 1) for part in ("soak", "hand")),
)


@dataclass(frozen=True, slots=True)
class Typed:
    """What stands in the form.

    Attributes:
        asked: somebody pressed "Show the plan".
    """

    values: dict[str, str]
    asked: bool


def typed(given: Mapping[str, str]) -> Typed:
    """Take what was typed; a fresh form is filled with what is usual."""
    asked = "kind" in given
    values = {name: given.get(name, "").strip() for name in NAMES}
    if not asked:
        values |= {**FIRST, "release_id": values["release_id"]}
    return Typed(values, asked)


def spec(values: Mapping[str, str]) -> RolloutSpec:
    """Read the form.

    Raises:
        InvalidInput: `where` names the field.
    """
    if not values["release_id"]:
        raise InvalidInput("choose a release", where="release_id")
    if values["mode"] not in MODES:
        raise InvalidInput("choose a mode", where="mode")
    rows = [n for n in range(1, ROWS + 1) if values[f"size_{n}"]]
    return RolloutSpec(
        release_id=values["release_id"],
        target=_target(values),
        mode=values["mode"],
        phases=tuple(_phase(values, n) for n in rows),
        downgrade=values["downgrade"] == "1",
    )


def _target(values: Mapping[str, str]) -> Target:
    kind = values["kind"]
    if kind == "group" and values["group"]:
        return Target(group_id=_number(values["group"], "group"))
    if kind == "tag" and values["tag"]:
        name, equals, value = values["tag"].partition("=")
        return Target(tag=(name.strip(), value.strip() if equals else None))
    names = values["devices"].replace(",", " ").split()
    if kind == "devices" and names:
        return Target(devices=tuple(dict.fromkeys(names)))
    raise InvalidInput(MISSING.get(kind, "say which devices it is for"), where=kind or "target")


def _phase(values: Mapping[str, str], row: int) -> PhaseSpec:
    size, errors = values[f"size_{row}"], values[f"errors_{row}"] or "10%"
    given: dict[str, Any] = {
        "success_percent": _number(values[f"success_{row}"].rstrip("%") or "90", f"success_{row}"),
        "soak_s": 60 * _number(values[f"soak_{row}"] or "0", f"soak_{row}"),
        "by_hand": values[f"hand_{row}"] == "1",
    }
    if size.endswith("%"):
        given["percent"] = _number(size[:-1], f"size_{row}")
    elif size != "rest":
        given["devices"] = _number(size, f"size_{row}")
    kind = "error_percent" if errors.endswith("%") else "error_devices"
    given[kind] = _number(errors.rstrip("%"), f"errors_{row}")
    return PhaseSpec(**given)


def _number(text: str, where: str) -> int:
    text = text.strip()
    if not (text.isascii() and text.isdecimal() and len(text) <= 9):
        raise InvalidInput(f"{text[:20]!r} is no whole number", where=where)
    return int(text)


REFUSED = frozenset({"unknown", "no_permission"})
"""Why a start is refused when the device was asked for by name."""


def shown(plan: RolloutPlan, target: Target) -> Any:
    """Prepare a plan for its page: counts of all, names of the first, and what stops it."""
    names: dict[int, list[str]] = defaultdict(list)
    modes: dict[str, int] = defaultdict(int)
    for one in plan.members:
        names[one.phase].append(one.device.device_id)
        modes[one.mode] += 1
    out: dict[str, list[str]] = defaultdict(list)
    for left in plan.excluded:
        out[left.why].append(left.device_id)
    return SimpleNamespace(
        digest=plan.digest,
        included_count=len(plan.members),
        stops=[one.device_id for one in plan.excluded if target.devices and one.code in REFUSED],
        modes=sorted(modes.items()),
        phases=[
            SimpleNamespace(
                number=one.number,
                size=one.size,
                errors=one.spec.error_limit(one.size),
                success=one.spec.success_percent,
                soak_s=one.spec.soak_s,
                by_hand=one.spec.by_hand,
                names=names[one.number][:NAMED],
            )
            for one in plan.phases
        ],
        excluded=[(why, len(found), found[:NAMED]) for why, found in out.items()],
    )
