"""What the log pages are asked for, read from the address; mistakes are told beside the form."""

from dataclasses import dataclass, replace
from types import SimpleNamespace

from flask import request, url_for

from muster_platform.errors import InvalidInput
from muster_platform.logs.filter import LogFilter, parse_fields, parse_pair
from muster_platform.logs.service import LogHistogram
from muster_platform.web.site import gate
from muster_platform.web.site.views.device_parts import log_level

RANGES = {
    "15m": ("Last 15 minutes", 15 * 60_000),
    "1h": ("Last hour", 3_600_000),
    "24h": ("Last day", 86_400_000),
    "7d": ("Last 7 days", 7 * 86_400_000),
    "30d": ("Last 30 days", 30 * 86_400_000),
    "all": ("Any time", None),
}
DEFAULT_RANGE = "24h"
CHOSEN = "chosen"
LEVEL_CHOICES = (
    ("", "All levels"),
    ("DEBUG", "Debug and up"),
    ("INFO", "Info and up"),
    ("WARN", "Warnings and up"),
    ("ERROR", "Errors and up"),
)
_TEXTS = (
    *("text", "device", "group", "profile", "tag", "component", "logger", "level"),
    *("exception", "fingerprint", "log_session"),
)
_MORE = ("profile", "tag", "component", "exception", "fingerprint", "log_session")
MS_MAX = 2**62


@dataclass(frozen=True, slots=True)
class Wanted:
    """The form as it is filled in.

    Attributes:
        texts: by name of the field.
        only: levels ticked.
        fields: `name=value`.
        range: a name of RANGES, or CHOSEN with `since` and `until` (ms since the epoch).
    """

    texts: dict[str, str]
    only: tuple[str, ...]
    fields: tuple[str, ...]
    range: str
    since: str
    until: str

    def __getattr__(self, name: str) -> str:
        """Give a text by name, for templates."""
        try:
            return self.texts[name]
        except KeyError:
            raise AttributeError(name) from None

    @property
    def has_more(self) -> bool:
        """Say whether a filter is set that the form folds away."""
        return bool(self.only or self.fields or any(self.texts[name] for name in _MORE))

    def filter(self, now: int) -> LogFilter:
        """Give it as the service takes it.

        Raises:
            InvalidInput: a level, range, group or field that is none.
        """
        since, until = self._range(now)
        t = self.texts
        return LogFilter(
            device_id=t["device"] or None,
            group_id=_group(t["group"]),
            profile=t["profile"] or None,
            tag=parse_pair(t["tag"]),
            component=parse_pair(t["component"]),
            levels=frozenset(level for text in self.only if (level := log_level(text))),
            min_level=log_level(t["level"]),
            text=t["text"],
            logger=t["logger"],
            exception_type=t["exception"] or None,
            fingerprint=t["fingerprint"] or None,
            log_session=t["log_session"] or None,
            fields=parse_fields([text for text in self.fields if text]),
            since=since,
            until=until,
        )

    def _range(self, now: int) -> tuple[int | None, int | None]:
        if self.range == CHOSEN:
            return _ms(self.since, "since"), _ms(self.until, "until")
        if self.range not in RANGES:
            raise InvalidInput(f"range is one of {', '.join(RANGES)}", where="range")
        back_ms = RANGES[self.range][1]
        return (None, None) if back_ms is None else (now - back_ms, None)


def wanted() -> Wanted:
    """Read the address."""
    args = request.args
    since, until = args.get("since", "").strip(), args.get("until", "").strip()
    default = CHOSEN if since or until else DEFAULT_RANGE
    return Wanted(
        texts={name: args.get(name, "").strip() for name in _TEXTS},
        only=tuple(filter(None, args.getlist("only"))),
        fields=tuple(text.strip() for text in args.getlist("field") if text.strip()),
        range=default if since or until else args.get("range", DEFAULT_RANGE),
        since=since,
        until=until,
    )


def group_choice(text: str) -> int | None:
    """Read the id of a group.

    Raises:
        InvalidInput: it is none.
    """
    return _group(text)


def _group(text: str) -> int | None:
    if not text:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) <= 18):
        raise InvalidInput("group is the id of a group", where="group")
    return int(text)


def _ms(text: str, where: str) -> int | None:
    if not text:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) <= 18 and int(text) < MS_MAX):
        raise InvalidInput(f"{where} is a time in ms since the epoch", where=where)
    return int(text)


def narrowed_url(since: int, until: int) -> str:
    """Give the address of the present search over another range."""
    return gate.query(
        url_for("logs.index"), cursor=None, range=None, since=str(max(since, 0)), until=str(until)
    )


def moves(found: LogHistogram) -> SimpleNamespace:
    """Give addresses of the range before, the range after and one three times as long."""
    length = found.until - found.since
    return SimpleNamespace(
        earlier=narrowed_url(found.since - length, found.since),
        later=narrowed_url(found.until, found.until + length),
        wider=narrowed_url(found.since - length, found.until + length),
    )


def without_default(found: LogFilter, now: int) -> LogFilter:
    """Close a range that is open at its end, so that bars end now."""
    return (
        found if found.until is not None or found.since is None else replace(found, until=now + 1)
    )
