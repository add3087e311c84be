"""Settings decided on data: layers merged, what a person may say, how each key stands.

A layer is one JSON object {key: value}. Layers lie above each other: profile, groups from the
outermost to the innermost, the device's own. The topmost layer that names a key gives its whole
value; a key is never mixed from two layers. `null` is no value: in a merge patch it takes a key
out of the layer, so that it is inherited again.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from muster_platform.db.text import clean_json
from muster_platform.errors import InvalidInput
from muster_protocol.messages.base import check_depth

KEY_CHARS = 128
KEYS_MAX = 1_000

Desired = dict[str, Any]


class KeyState(StrEnum):
    """How a key of a device's settings stands."""

    IN_SYNC = "in_sync"
    """The device reports the desired value."""
    WAITING = "waiting"
    """The device is there and has not answered to the newest version yet."""
    OFFLINE = "offline"
    """The device has to come back first."""
    REJECTED = "rejected"
    """The device could not take it; its error says why."""
    DIFFERS = "differs"
    """The device says that it took this version, and reports another value or none."""
    ONLY_REPORTED = "only_reported"
    """Nobody desires it; the device tells it by itself."""


@dataclass(frozen=True, slots=True)
class Report:
    """What a device last said, and whether it can be reached.

    Attributes:
        applied_version: newest version that it has answered to.
        since: {key: ms since the epoch} of the last change of its value or error.
        at: when it reported; None for never.
        presence_since: when it came, or went.
    """

    reported: Mapping[str, Any]
    errors: Mapping[str, str]
    applied_version: int
    since: Mapping[str, int]
    at: int | None
    reachable: bool
    presence_since: int


@dataclass(frozen=True, slots=True)
class KeyStanding:
    """How one key stands, and since when (ms since the epoch; None where nobody knows)."""

    key: str
    state: KeyState
    since: int | None
    error: str = ""


def merge(layers: Iterable[Mapping[str, Any]]) -> Desired:
    """Merge layers, the lowest first."""
    merged: Desired = {}
    for layer in layers:
        merged.update((key, value) for key, value in layer.items() if value is not None)
    return merged


def merge_patch(target: Any, patch: Any) -> Any:
    """Apply a JSON merge patch (RFC 7396); neither argument is changed."""
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merge_patch(result.get(key), value)
    return result


def equal(one: Any, other: Any) -> bool:
    """Say whether two JSON values are the same: 5 is 5.0, and 1 is not true."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(equal(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(equal, one, other))
    return bool(one == other)


def changed(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """Give the keys that came, went or have another value, sorted."""
    return sorted(
        key
        for key in before.keys() | after.keys()
        if key not in before or key not in after or not equal(before[key], after[key])
    )


def stamped(
    since: Mapping[str, int], before: Mapping[str, Any], after: Mapping[str, Any], now: int
) -> dict[str, int]:
    """Give {key: time of the last change} for the keys of `after`."""
    news = set(changed(before, after))
    return {key: now if key in news else since.get(key, now) for key in after}


def check(desired: object) -> Desired:
    """Clean what a person desires in one layer.

    Raises:
        InvalidInput: where it is `desired`; says what no layer may hold.
    """
    if not isinstance(desired, dict) or not all(isinstance(key, str) for key in desired):
        raise InvalidInput("desired settings are one JSON object", where="desired")
    if len(desired) > KEYS_MAX:
        raise InvalidInput(f"at most {KEYS_MAX} settings, not {len(desired)}", where="desired")
    for key, value in desired.items():
        if not 1 <= len(key) <= KEY_CHARS or not key.isprintable() or key != key.strip():
            raise InvalidInput(
                f"the name of a setting has 1 to {KEY_CHARS} printable characters: {key[:80]!r}",
                where="desired",
            )
        if value is None:
            raise InvalidInput(
                f"{key}: null is no value; leave the setting out and it is inherited",
                where="desired",
            )
    try:
        check_depth("desired", desired)
    except ValueError as error:
        raise InvalidInput(str(error), where="desired") from None
    _check_numbers(desired)
    cleaned: Desired = clean_json(desired)
    return cleaned


def _check_numbers(value: Any) -> None:
    if isinstance(value, float) and not math.isfinite(value):
        raise InvalidInput(f"JSON has no number {value}", where="desired")
    if isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            _check_numbers(item)


def standings(
    desired: Mapping[str, Any], version: int, since: Mapping[str, int], report: Report
) -> list[KeyStanding]:
    """Say how each key that is desired or reported stands, by key.

    Args:
        version: of what is desired.
        since: {key: when it was last desired otherwise}.
    """
    keys = sorted(desired.keys() | report.reported.keys() | report.errors.keys())
    return [_standing(key, desired, version, since, report) for key in keys]


def _standing(
    key: str,
    desired: Mapping[str, Any],
    version: int,
    since: Mapping[str, int],
    report: Report,
) -> KeyStanding:
    state = _state(key, desired, version, report)
    told = report.since.get(key, report.at)
    moments = {
        KeyState.IN_SYNC: (since.get(key), told),
        KeyState.WAITING: (since.get(key), report.presence_since),
        KeyState.OFFLINE: (since.get(key), report.presence_since),
        KeyState.REJECTED: (since.get(key), told),
        KeyState.DIFFERS: (since.get(key), told),
        KeyState.ONLY_REPORTED: (told,),
    }[state]
    known = [moment for moment in moments if moment is not None]
    return KeyStanding(key, state, max(known, default=None), report.errors.get(key, ""))


def _state(key: str, desired: Mapping[str, Any], version: int, report: Report) -> KeyState:
    if key not in desired:
        return KeyState.ONLY_REPORTED
    answered = report.applied_version >= version
    if answered and key in report.errors:
        return KeyState.REJECTED
    if key in report.reported and equal(desired[key], report.reported[key]):
        return KeyState.IN_SYNC
    if answered:
        return KeyState.DIFFERS
    return KeyState.WAITING if report.reachable else KeyState.OFFLINE
