"""`agent.toml`: options of `muster agent run`, and the app's code to load."""

import importlib.util
import os
import sys
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, TypeVar

import msgspec

from muster_agent.agent import Agent
from muster_agent.agent_options import AgentOptions
from muster_agent.errors import ConfigError
from muster_agent.machine import describe, measure
from muster_agent.updates.table import UpdatesTable, declare
from muster_protocol.messages import Component

STATE_VARIABLE = "MUSTER_AGENT_STATE"
T = TypeVar("T")

_SOME_KEY = "[...]"

Positive = Annotated[float, msgspec.Meta(gt=0)]


class AgentTable(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """`[agent]`: every key may be left out.

    Attributes:
        state_dir: where identity, spool and journal are; relative to the file.
        ca_file: certificates to trust; relative to the file.
        handlers: `module:function` to load, a module beside the file or installed; the
            function is given the Agent and declares commands, sources and settings.
        system_metrics_every_s: load, memory, disk as telemetry; 0: none.
    """

    state_dir: str | None = None
    handlers: str | None = None
    profile: str = ""
    ca_file: str | None = None
    expect_every_s: Positive = 300.0
    keepalive_s: Annotated[int, msgspec.Meta(ge=5, le=3600)] = 60
    spool_bytes: Annotated[int, msgspec.Meta(ge=65_536)] = 64 * 1024 * 1024
    parallel: Annotated[int, msgspec.Meta(ge=1, le=64)] = 4
    flush_s: Annotated[float, msgspec.Meta(ge=0, le=60)] = 2.0
    reconnect_first_s: Positive = 1.0
    reconnect_limit_s: Positive = 60.0
    system_metrics_every_s: Annotated[float, msgspec.Meta(ge=0)] = 60.0
    name: str = "muster-agent"
    version: str = ""


class AgentFile(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The whole file.

    Attributes:
        inventory: component -> version.
        attributes: shown in the device list, beside what the machine says of itself.
    """

    agent: AgentTable = msgspec.field(default_factory=AgentTable)
    updates: UpdatesTable = msgspec.field(default_factory=UpdatesTable)
    inventory: dict[str, str] = {}
    attributes: dict[str, Any] = {}


def read_toml(file: Path, kind: type[T], expected: Mapping[str, str] | None = None) -> T:
    """Read a TOML file into a class.

    Args:
        expected: last part of a key -> what is expected there, where msgspec does not say it.

    Raises:
        ConfigError: naming the file, the key, and what was expected.
    """
    try:
        data = tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{file}: {error.strerror or error}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file}: not TOML: {error}") from error
    try:
        return msgspec.convert(data, kind)
    except msgspec.ValidationError as error:
        problem, where = _divide(error)
        key = _real_key(data, kind, where)
        hint = (expected or {}).get(key.rpartition(".")[2])
        more = f" (expected {hint})" if hint else ""
        raise ConfigError(f"{file}: {key or 'top level'}: {problem}{more}") from error


def _divide(error: msgspec.ValidationError) -> tuple[str, str]:
    problem, _, where = str(error).partition(" - at `")
    return problem, where.rstrip("`").removeprefix("$").lstrip(".")


def _real_key(data: dict[str, Any], kind: type[Any], where: str) -> str:
    """Put the real keys in place of each _SOME_KEY, which msgspec writes for a key of a table.

    The key at fault is the one that, alone in its table, gives the same error at the same place.
    """
    path: list[str] = []
    table: Any = data
    for part in where.replace(_SOME_KEY, ".*").split("."):
        if part == "*" and isinstance(table, dict):
            part = _key_at_fault(data, kind, table, where)
        path.append(part)
        table = table.get(part) if isinstance(table, dict) else None
    return ".".join(path)


def _key_at_fault(data: dict[str, Any], kind: type[Any], table: dict[str, Any], where: str) -> str:
    every = dict(table)
    for key, value in every.items():
        table.clear()
        table[key] = value
        try:
            msgspec.convert(data, kind)
        except msgspec.ValidationError as error:
            if _divide(error)[1] == where:
                return key  # the others stay out, so that the next level finds its own
    table.update(every)
    return "*"


def default_state_dir() -> Path:
    """Where the state is when neither --state nor the file says: see MUSTER_AGENT_STATE."""
    named = os.environ.get(STATE_VARIABLE)
    return Path(named) if named else Path.home() / ".muster-agent"


def build_agent(
    file: Path | None,
    state_dir: Path | None,
    version: str,
    updates: Mapping[str, object] | None = None,
) -> Agent:
    """Make the agent that a file describes, with the app's code loaded.

    Args:
        updates: values of `[updates]` that the command line gave: they go before the file's.

    Raises:
        ConfigError, StateError: the file, the code or the state folder cannot be used.
    """
    settings = AgentFile() if file is None else read_toml(file, AgentFile)
    table = settings.agent
    base = Path.cwd() if file is None else file.resolve().parent
    where = state_dir or (base / table.state_dir if table.state_dir else default_state_dir())
    given = {name: value for name, value in (updates or {}).items() if value}
    installing = declare(msgspec.structs.replace(settings.updates, **given), base)
    inventory = [Component(component=name, version=v) for name, v in settings.inventory.items()]
    inventory.append(Component(component="muster-agent", version=version))
    agent = Agent(
        AgentOptions(
            state_dir=where,
            profile=table.profile,
            agent_name=table.name,
            agent_version=table.version or version,
            inventory=lambda: inventory,
            attributes={**describe(), **settings.attributes},
            ca_file=str(base / table.ca_file) if table.ca_file else None,
            expect_every_s=table.expect_every_s,
            keepalive_s=table.keepalive_s,
            spool_bytes=table.spool_bytes,
            parallel=table.parallel,
            flush_s=table.flush_s,
            reconnect_first_s=table.reconnect_first_s,
            reconnect_limit_s=table.reconnect_limit_s,
        )
    )
    if installing is not None:
        agent.install_updates(
            installing.installer,
            health=installing.health,
            restart=installing.restart,
            max_starts=installing.max_starts,
        )
    if table.system_metrics_every_s:
        agent.telemetry(table.system_metrics_every_s)(measure)
    if table.handlers:
        load_function(table.handlers, base, str(file))(agent)
    return agent


def load_function(reference: str, folder: Path, said_in: str) -> Callable[[Agent], Any]:
    """Load `module:function`, looking for the module in the folder first.

    Raises:
        ConfigError: there is no such module or function, or it fails to import.
    """
    name, _, attribute = reference.partition(":")
    where = f"{said_in}: agent.handlers {reference!r}"
    if not name or not attribute:
        raise ConfigError(f"{where}: expected module:function")
    try:
        module = _import(name, folder)
        function = getattr(module, attribute)
    except ModuleNotFoundError as error:
        raise ConfigError(f"{where}: {error} (looked in {folder} too)") from error
    except AttributeError as error:
        raise ConfigError(f"{where}: the module has no {attribute!r}") from error
    except Exception as error:
        raise ConfigError(f"{where}: {type(error).__name__}: {error}") from error
    if not callable(function):
        raise ConfigError(f"{where}: {attribute!r} is not a function")
    return function  # type: ignore[no-any-return]


def _import(name: str, folder: Path) -> Any:
    file = folder / f"{name}.py"
    if not file.exists():
        return importlib.import_module(name)
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise ModuleNotFoundError(f"{file} is not a Python module")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module
