"""Rules that every installation has: they can be edited and disabled, not deleted. One table."""

from typing import Any, NamedTuple

from muster_platform.alerts.states import Severity


class BuiltinRule(NamedTuple):
    """One of them; `key` is what a later version finds it by."""

    key: str
    name: str
    kind: str
    severity: Severity
    params: dict[str, Any]


_S = Severity

BUILTIN_RULES: tuple[BuiltinRule, ...] = (
    BuiltinRule(
        "device_offline",
        "Device offline",
        "device_offline",
        _S.WARNING,
        {"for_s": 300, "site_share": 0.5, "site_least": 10},
    ),
    BuiltinRule(
        "new_error",
        "New error",
        "new_fingerprint",
        _S.WARNING,
        {"min_level": "ERROR", "max_level": "ERROR"},
    ),
    BuiltinRule(
        "new_fatal", "New fatal error", "new_fingerprint", _S.CRITICAL, {"min_level": "FATAL"}
    ),
    BuiltinRule(
        "executions_failing",
        "Jobs failing",
        "execution_failures",
        _S.WARNING,
        {"share": 0.2, "least": 3},
    ),
    BuiltinRule(
        "quarantine_grows",
        "Messages not taken",
        "quarantine_grows",
        _S.WARNING,
        {"count": 50, "window_s": 900},
    ),
    BuiltinRule(
        "part_down",
        "Part of the platform down",
        "part_down",
        _S.CRITICAL,
        {"part": "*", "state": "bad", "for_s": 60},
    ),
    BuiltinRule(
        "part_unwell",
        "Part of the platform unwell",
        "part_down",
        _S.WARNING,
        {"part": "*", "state": "warn", "for_s": 900},
    ),
)
