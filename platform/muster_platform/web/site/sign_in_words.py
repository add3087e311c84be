"""Sign-ins in words: how they ended, and from what kind of device."""

import re
from typing import NamedTuple

from muster_platform.access import sign_ins
from muster_platform.access.sign_in_models import SignInTry
from muster_platform.web.site.words import Look

OUTCOMES: dict[str, Look] = {
    sign_ins.SIGNED_IN: Look("Signed in", "circle-check", "ok"),
    sign_ins.WRONG_PASSWORD: Look("Wrong password", "alert-circle", "bad"),
    sign_ins.WRONG_CODE: Look("Wrong code", "alert-circle", "bad"),
    sign_ins.DISABLED: Look("Account is disabled", "ban", "warn"),
    sign_ins.UNKNOWN: Look("No such account", "help-circle", "warn"),
    sign_ins.ASKED_RESET: Look("Asked for a new password", "mail", "rest"),
}

_SYSTEMS = (
    (r"Android", "Android"),
    (r"iPhone|iPad", "iOS"),
    (r"Windows", "Windows"),
    (r"Mac OS X|Macintosh", "macOS"),
    (r"Linux|X11", "Linux"),
)
_PROGRAMS = (
    (r"Edg/", "Edge"),
    (r"Firefox/", "Firefox"),
    (r"Chrome/|Chromium/", "Chrome"),
    (r"Safari/", "Safari"),
    (r"curl/", "curl"),
    (r"[Pp]ython", "Python"),
)


class Told(NamedTuple):
    """A line of a list of sign-ins."""

    row: SignInTry
    look: Look
    device: str


def told(rows: list[SignInTry]) -> list[Told]:
    """Give what lists show of tries."""
    return [Told(row, _look(row.outcome), device(row.user_agent)) for row in rows]


def device(user_agent: str) -> str:
    """Name browser and system by what the browser says of itself; its own word, shortened."""
    program = _first(_PROGRAMS, user_agent)
    system = _first(_SYSTEMS, user_agent)
    if program and system:
        return f"{program} on {system}"
    return program or system or user_agent[:40] or "unknown"


def _look(outcome: str) -> Look:
    return OUTCOMES.get(outcome) or Look(outcome, "info-circle", "mute")


def _first(table: tuple[tuple[str, str], ...], text: str) -> str:
    return next((name for pattern, name in table if re.search(pattern, text)), "")
