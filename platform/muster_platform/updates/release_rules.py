"""What a release may say, checked before anything is stored. Pure functions."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import msgspec

from muster_platform.db.text import clean, clean_json
from muster_platform.errors import InvalidInput
from muster_platform.updates.models import (
    FILE_NAME_CHARS,
    NAME_CHARS,
    NOTES_CHARS,
    NOTIFICATION_CHARS,
    VERSION_CHARS,
)

DATA_BYTES = 16 * 1024
"""Largest `data` as JSON: with everything else it must fit into one message to a device."""
COMPONENTS_MAX = 100
ARTIFACTS_MAX = 100
URL_CHARS = 2048
URL_SCHEMES = frozenset({"https", "http", "market", "itms-apps"})
"""Where a phone may be sent: a page, or an application store. Never script, never a file."""
_FILE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+ ()-]*")
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Draft:
    """What a person says of a release.

    Attributes:
        components: {component: version}.
        profiles: names of the target profiles.
        title, body, url: the notification.
    """

    name: str
    version: str
    components: Mapping[str, str]
    profiles: tuple[str, ...]
    notes: str = ""
    title: str = ""
    body: str = ""
    url: str = ""
    data: Mapping[str, Any] | None = None


def check(draft: Draft) -> Draft:
    """Give it as it is stored.

    Raises:
        InvalidInput: names the field at fault.
    """
    return Draft(
        name=line(draft.name, "name", NAME_CHARS),
        version=line(draft.version, "version", VERSION_CHARS),
        components=_components(draft.components),
        profiles=tuple(dict.fromkeys(draft.profiles)),
        notes=text(draft.notes, "notes", NOTES_CHARS),
        title=text(draft.title, "title", NOTIFICATION_CHARS).strip(),
        body=text(draft.body, "body", NOTIFICATION_CHARS).strip(),
        url=_url(draft.url),
        data=_data(draft.data or {}),
    )


def line(given: str, where: str, most: int) -> str:
    """Check a line of text that must not be empty.

    Raises:
        InvalidInput: it is empty, too long, or has line breaks.
    """
    found = clean(given).strip()
    if not found or len(found) > most or not found.isprintable():
        raise InvalidInput(f"{where} is one line of 1 to {most} characters", where=where)
    return found


def text(given: str, where: str, most: int) -> str:
    """Check a text that may be empty.

    Raises:
        InvalidInput: it is too long.
    """
    if len(given) > most:
        raise InvalidInput(f"{where} has at most {most} characters, not {len(given)}", where=where)
    return clean(given)


def file_name(given: str) -> str:
    """Check the name of an artifact: no path, nothing that a shell or a page could trip over.

    Raises:
        InvalidInput: it does not fit.
    """
    if len(given) > FILE_NAME_CHARS or not _FILE.fullmatch(given):
        raise InvalidInput(
            f"a file's name is letters, digits, spaces and . _ + - ( ), begins with a letter or "
            f"digit, and has at most {FILE_NAME_CHARS} characters: {given[:80]!r}",
            where="name",
        )
    return given


def sha256(given: str) -> str:
    """Check a checksum that was announced; "" for none.

    Raises:
        InvalidInput: it is not 64 hex digits.
    """
    found = given.strip().lower()
    if found and not _SHA256.fullmatch(found):
        raise InvalidInput("sha256 is 64 hex digits", where="sha256")
    return found


def _components(given: Mapping[str, str]) -> dict[str, str]:
    if len(given) > COMPONENTS_MAX:
        raise InvalidInput(f"at most {COMPONENTS_MAX} components", where="components")
    return {
        line(name, "components", VERSION_CHARS): line(value, f"components.{name}", VERSION_CHARS)
        for name, value in given.items()
    }


def _url(given: str) -> str:
    found = clean(given).strip()
    if not found:
        return ""
    try:
        scheme = urlsplit(found).scheme.lower()
    except ValueError:
        scheme = ""
    if len(found) > URL_CHARS or scheme not in URL_SCHEMES or not found.isprintable():
        raise InvalidInput(
            f"url begins with one of {', '.join(sorted(URL_SCHEMES))} and has at most "
            f"{URL_CHARS} characters",
            where="url",
        )
    return found


def _data(given: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = clean_json(dict(given))
    if len(msgspec.json.encode(found)) > DATA_BYTES:
        raise InvalidInput(f"data has at most {DATA_BYTES} bytes as JSON", where="data")
    return found
