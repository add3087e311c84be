"""The one place that reads configuration: muster.toml, secrets.toml, the environment.

Later wins: defaults, the file (MUSTER_CONFIG or ./muster.toml), secrets.toml in state_dir (made
at the first start), variables MUSTER_<NAME>, or MUSTER_<NAME>_FILE with the path of a file that
holds the value.
"""

import os
import secrets
import tomllib
from collections.abc import Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, get_type_hints

from muster_platform.errors import ConfigurationError
from muster_platform.settings import Settings

SECRET_NAMES = ("broker_token", "mqtt_password", "jwt_secret")
"""Secrets that are made at the first start when nobody gave any."""

BROKER_KINDS = ("embedded", "mosquitto")

_TYPES = get_type_hints(Settings)


def load(
    path: Path | None = None,
    environ: Mapping[str, str] = os.environ,
    **overrides: Any,
) -> Settings:
    """Read the configuration and fill in what follows from it.

    Args:
        path: the file; else MUSTER_CONFIG, else ./muster.toml where it exists.
        overrides: options of the command line, by setting name; None is ignored.

    Raises:
        ConfigurationError: naming file (or variable) and key.
    """
    given: dict[str, Any] = {}
    file = path or (Path(environ["MUSTER_CONFIG"]) if environ.get("MUSTER_CONFIG") else None)
    if file is not None or Path("muster.toml").exists():
        given |= _from_file(file or Path("muster.toml"))
    given |= _from_environment(environ)
    given |= {name: value for name, value in overrides.items() if value is not None}
    settings = Settings(**given)
    missing = [name for name in SECRET_NAMES if not getattr(settings, name)]
    if missing:
        stored = _secrets(settings.state_dir, missing)
        chosen: dict[str, Any] = {name: stored[name] for name in missing}
        settings = replace(settings, **chosen)
    return _complete(settings)


def shown(settings: Settings) -> dict[str, Any]:
    """Give the settings in force as plain values, secrets masked."""
    result: dict[str, Any] = {}
    for item in fields(settings):
        value = getattr(settings, item.name)
        if item.metadata.get("secret"):
            value = "********" if value else ""
        elif item.name in ("database_url", "redis_url"):
            value = _mask_url(value)
        result[item.name] = list(value) if isinstance(value, tuple) else value
    result["state_dir"] = str(settings.state_dir)
    return result


def environment(settings: Settings) -> dict[str, str]:
    """Give the settings as MUSTER_ variables, secrets too: how `muster up` starts its parts."""
    result: dict[str, str] = {}
    for item in fields(settings):
        value = getattr(settings, item.name)
        if isinstance(value, bool):
            value = str(value).lower()
        text = ",".join(value) if isinstance(value, tuple) else str(value)
        result[f"MUSTER_{item.name.upper()}"] = text
    return result


def runtime_file(state_dir: Path) -> Path:
    """Give the file in which `muster up` leaves what it chose for itself (Redis' address)."""
    return state_dir / "runtime.toml"


def embedded_redis_url(state_dir: Path) -> str:
    """Give the address of the Valkey of a running `muster up`; "" where there is none."""
    return _runtime(state_dir, "redis_url")


def _runtime(state_dir: Path, name: str) -> str:
    try:
        document = tomllib.loads(runtime_file(state_dir).read_text())
    except (OSError, tomllib.TOMLDecodeError):
        return ""
    return str(document.get(name, ""))


def remember_broker(settings: Settings) -> None:
    """Note for commands in a second terminal which broker `muster up` has started."""
    values = {
        "redis_url": _runtime(settings.state_dir, "redis_url"),
        "broker_kind": settings.broker_kind,
    }
    lines = "".join(f'{name} = "{value}"\n' for name, value in values.items())
    runtime_file(settings.state_dir).write_text(lines)


def _complete(settings: Settings) -> Settings:
    changes: dict[str, Any] = {"state_dir": settings.state_dir.absolute()}
    if not settings.broker_kind:
        changes["broker_kind"] = _runtime(settings.state_dir, "broker_kind") or "embedded"
    elif settings.broker_kind not in BROKER_KINDS:
        raise ConfigurationError(
            f"broker_kind: {settings.broker_kind!r} is none of {', '.join(BROKER_KINDS)}"
        )
    if not settings.database_url:
        changes["database_url"] = f"sqlite:///{changes['state_dir']}/muster.db"
    if not settings.redis_url:
        changes["redis_url"] = embedded_redis_url(changes["state_dir"])
    if not settings.public_url:
        changes["public_url"] = f"http://{settings.web_host}:{settings.web_port}"
    if not settings.live_url:
        changes["live_url"] = f"ws://{settings.live_host}:{settings.live_port}"
    if not settings.broker_urls:
        scheme = "mqtts" if settings.broker_tls else "mqtt"
        urls = [f"{scheme}://{settings.broker_host}:{settings.broker_port}"]
        if settings.broker_ws_port:
            ws = "wss" if settings.broker_tls else "ws"
            urls.append(f"{ws}://{settings.broker_host}:{settings.broker_ws_port}")
        changes["broker_urls"] = tuple(urls)
    return replace(settings, **changes)


def _from_file(path: Path) -> dict[str, Any]:
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path}: {error}") from error
    return {name: _typed(name, value, f"{path}: {name}") for name, value in document.items()}


def _from_environment(environ: Mapping[str, str]) -> dict[str, Any]:
    given: dict[str, Any] = {}
    for name in _TYPES:
        variable = f"MUSTER_{name.upper()}"
        if variable in environ:
            given[name] = _typed(name, environ[variable], variable)
        elif file := environ.get(f"{variable}_FILE"):
            given[name] = _typed(name, _line(Path(file), f"{variable}_FILE"), f"{variable}_FILE")
    return given


def _line(path: Path, where: str) -> str:
    """Read a value from a file, as secrets are handed to containers; the line's end is no part."""
    try:
        return path.read_text(encoding="utf-8").rstrip("\r\n")
    except OSError as error:
        raise ConfigurationError(f"{where}: cannot read {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{where}: {path} is not UTF-8 text") from error


def _typed(name: str, value: Any, where: str) -> Any:
    """Bring a value from TOML or the environment to the setting's type.

    Raises:
        ConfigurationError: unknown name or wrong kind of value.
    """
    kind = _TYPES.get(name)
    if kind is None:
        raise ConfigurationError(f"{where}: no such setting; `muster config` lists them")
    try:
        if kind is bool:
            return _boolean(value)
        if kind in (int, float) and not isinstance(value, bool):
            return _number(name, kind, value)
        if kind is Path:
            return Path(str(value))
        if kind == tuple[str, ...]:
            items = value.split(",") if isinstance(value, str) else map(str, value)
            return tuple(item for item in items if item)
        if kind is str and isinstance(value, str):
            return value
    except (TypeError, ValueError) as error:
        raise ConfigurationError(f"{where}: {error}") from error
    raise ConfigurationError(f"{where}: expected {getattr(kind, '__name__', kind)}, got {value!r}")


def _number(name: str, kind: Any, value: Any) -> Any:
    try:
        number = kind(value)
    except (TypeError, ValueError):
        raise ValueError(f"expected a number, got {value!r}") from None
    if number < 0 or (name.endswith("_port") and number > 65_535):
        raise ValueError(f"{value} is out of range")
    return number


def _boolean(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    words = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
    try:
        return words[str(value).lower()]
    except KeyError:
        raise ValueError(f"expected true or false, got {value!r}") from None


def _secrets(state_dir: Path, wanted: list[str]) -> dict[str, str]:
    """Read secrets.toml, adding what is wanted and missing."""
    path = state_dir / "secrets.toml"
    known: dict[str, str] = {}
    if path.exists():
        known = {key: str(value) for key, value in tomllib.loads(path.read_text()).items()}
    new = {name: secrets.token_urlsafe(32) for name in wanted if name not in known}
    if new:
        known |= new
        _write_secrets(path, known)
    return known


def store_secrets(settings: Settings) -> None:
    """Write the settings' secrets to secrets.toml, for commands in a second terminal."""
    names = {name: getattr(settings, name) for name in SECRET_NAMES}
    _write_secrets(settings.state_dir / "secrets.toml", names)


def _write_secrets(path: Path, values: Mapping[str, str]) -> None:
    """Write the file whole; readable by its owner alone."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".new")
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.writelines(f'{name} = "{value}"\n' for name, value in sorted(values.items()))
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


def _mask_url(url: str) -> str:
    head, at, tail = url.rpartition("@")
    if not at or ":" not in head.split("//", 1)[-1]:
        return url
    return f"{head.rsplit(':', 1)[0]}:********@{tail}"
