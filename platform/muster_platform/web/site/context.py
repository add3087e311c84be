"""What templates may use: assets, times, states, navigation, the address of `muster live`."""

import json
from datetime import UTC, datetime
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from flask import Flask, request

from muster_platform.access import audit_words
from muster_platform.access.actor import Actor
from muster_platform.access.permissions import Permission
from muster_platform.live.app import PATH as LIVE_PATH
from muster_platform.settings import Settings
from muster_platform.web.allowed import is_allowed
from muster_platform.web.site import flashes, flower, task_words, words
from muster_platform.web.site.assets import Assets
from muster_platform.web.site.links import list_arg, list_url
from muster_platform.web.site.navigation import navigation

MS_MAX = 253_402_300_799_000
"""The last millisecond that Python's datetime can show (year 9999)."""


class Connect(NamedTuple):
    """Where a device connects to, for the lines that show how."""

    web: str
    host: str
    port: int


def utc(ms: int) -> str:
    """Write milliseconds since the epoch as a UTC date and time, to the second."""
    return _datetime(ms).strftime("%Y-%m-%d %H:%M:%S UTC")


def iso(ms: int) -> str:
    """Write milliseconds since the epoch for a <time>'s datetime attribute."""
    return _datetime(ms).isoformat(timespec="milliseconds")


def _datetime(ms: int) -> datetime:
    return datetime.fromtimestamp(min(max(int(ms), 0), MS_MAX) / 1000, UTC)


def one_line(value: Any) -> str:
    """Write a value as JSON on one line, for reading."""
    return json.dumps(value, ensure_ascii=False)


def duration(seconds: int) -> str:
    """Write seconds in the largest unit that leaves no rest: `7 days`, `90 s`."""
    for size, name in ((86_400, "day"), (3_600, "hour"), (60, "min")):
        if seconds >= size and seconds % size == 0:
            number = seconds // size
            return f"{number} {name}{'' if number == 1 or name == 'min' else 's'}"
    return f"{seconds} s"


def size(number: float) -> str:
    """Write bytes in the unit that leaves at most three digits: `12 MiB`, `1.5 GiB`."""
    for unit in ("bytes", "KiB", "MiB", "GiB"):
        if number < 1000:
            return (
                f"{number:.1f} {unit}"
                if unit != "bytes" and number < 10
                else f"{number:.0f} {unit}"
            )
        number /= 1024
    return f"{number:.1f} TiB"


def initials(name: str) -> str:
    """Give one or two capitals that stand for a name; of an address, what precedes the @."""
    words_ = name.partition("@")[0].replace(".", " ").replace("-", " ").split()
    letters = words_[0][:2] if len(words_) == 1 else "".join(word[0] for word in words_[:2])
    return letters.upper() or "?"


def live_url(settings: Settings) -> str:
    """Give the WebSocket address as this reader's browser reaches it.

    Where nobody configured one, it is the host by which the reader came, on the live process'
    port: a cookie of `localhost` is not sent to `127.0.0.1`.
    """
    configured = settings.live_url.rstrip("/")
    default = f"ws://{settings.live_host}:{settings.live_port}"
    if configured and configured != default:
        return configured if urlsplit(configured).path else configured + LIVE_PATH
    scheme = "wss" if request.is_secure else "ws"
    host = request.host.rpartition(":")[0] if ":" in request.host else request.host
    return f"{scheme}://{host}:{settings.live_port}{LIVE_PATH}"


def may(actor: Actor, permission: str, group_path: str | None = None) -> bool:
    """Say whether a button makes sense; the service decides in any case."""
    wanted = Permission(permission)
    return actor.may(wanted, group_path) if group_path else is_allowed(actor, wanted)


def register(app: Flask, assets: Assets, settings: Settings) -> None:
    """Give templates their filters and functions."""
    app.add_template_filter(utc, "utc")
    app.add_template_filter(iso, "iso")
    app.add_template_filter(initials, "initials")
    app.add_template_filter(duration, "duration")
    app.add_template_filter(one_line, "tojson_text")
    app.add_template_filter(size, "size")
    env = app.jinja_env
    env.globals.update(
        asset=assets.url,
        icon=assets.icon,
        navigation=navigation,
        connect=Connect(settings.public_url, settings.broker_host, settings.broker_port),
        flash_words=flashes.shown,
        list_url=list_url,
        list_arg=list_arg,
        act_words=audit_words.done,
        flower_url=f"{flower.PREFIX}/" if settings.flower_url else "",
        may=may,
        presence_look=lambda state: words.look(words.PRESENCE, state),
        presence_reason=lambda code: words.PRESENCE_REASON.get(code, code),
        settings_look=lambda state: words.look(words.SETTINGS, state),
        step_words=words.step,
        execution_look=lambda state: words.look(words.EXECUTION, state),
        fingerprint_look=lambda state: words.look(words.FINGERPRINT, state),
        bulk_look=lambda state: words.look(words.BULK, state),
        bulk_item_look=lambda state: words.look(words.BULK_ITEM, state),
        job_look=lambda state: words.look(words.JOB, state),
        audit_kind=audit_words.kind,
        task_title=task_words.task_title,
        task_look=lambda state: words.look(task_words.LOOKS, state),
        part_look=lambda state: words.look(words.PART, state),
        part_name=lambda name: words.PART_NAME.get(name, name),
        sign_in_look=lambda outcome: words.look(words.SIGN_IN, outcome),
        change_look=lambda kind: words.look(words.CHANGE, kind),
        role_name=lambda role: role.title or words.ROLE.get(role.name, role.name),
        live_address=lambda: live_url(settings),
    )
