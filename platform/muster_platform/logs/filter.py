"""Which records people ask for, by the names that people use."""

import re
from dataclasses import dataclass

from muster_platform.errors import InvalidInput
from muster_protocol.messages import Level

_FIELD_NAME = re.compile(r"[\w.@/:-]{1,64}")
FIELDS = 5
VALUE_CHARS = 200


@dataclass(frozen=True, slots=True)
class LogFilter:
    """Which records; what is None or empty does not narrow.

    Attributes:
        device_id: of one device.
        group_id: in this group or inside it.
        profile: name of the devices' profile.
        tag, component: of the devices: name, or (name, value).
        levels: any of these.
        min_level: this one or worse.
        text: words, "phrases" and -not (`logs.text_query`) in message, exception type and
            exception message; case does not matter.
        logger: its name begins so.
        exception_type: its name, whole.
        fields: (name, value) of the record's own fields, all of them; values compare as text.
        since, until: ms since the epoch by ts; since is included, until is not.
        oldest_first: only says how a search is sorted.
    """

    device_id: str | None = None
    group_id: int | None = None
    profile: str | None = None
    tag: str | tuple[str, str] | None = None
    component: str | tuple[str, str] | None = None
    levels: frozenset[Level] = frozenset()
    min_level: Level | None = None
    text: str = ""
    logger: str = ""
    exception_type: str | None = None
    fingerprint: str | None = None
    log_session: str | None = None
    fields: tuple[tuple[str, str], ...] = ()
    since: int | None = None
    until: int | None = None
    oldest_first: bool = False

    @property
    def chooses_devices(self) -> bool:
        """Say whether it narrows the devices."""
        return bool(self.group_id or self.profile or self.tag or self.component or self.device_id)


def parse_fields(given: list[str]) -> tuple[tuple[str, str], ...]:
    """Read `name=value`, several times.

    Raises:
        InvalidInput: one that is none, or too many.
    """
    if len(given) > FIELDS:
        raise InvalidInput(f"at most {FIELDS} fields at once", where="field")
    return tuple(map(_field, given))


def _field(text: str) -> tuple[str, str]:
    name, sign, value = text.partition("=")
    if not sign or not _FIELD_NAME.fullmatch(name) or len(value) > VALUE_CHARS:
        raise InvalidInput(
            f"write a field as name=value, such as request=17, not {text[:80]!r} (character "
            f"{len(name) + 1 if not sign else 1})",
            where="field",
            position=len(name) + 1 if not sign else 1,
        )
    return name, value


def parse_pair(text: str | None) -> str | tuple[str, str] | None:
    """Read `name` or `name=value`, None for nothing."""
    if not text:
        return None
    name, sign, value = text.partition("=")
    return (name, value) if sign else name
