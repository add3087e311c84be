"""Which log store an installation has: the setting `log_store` names it.

Stores beside the database are made by adapters, which the domain does not import: composition
enters them here.
"""

from collections.abc import Callable

from muster_platform.errors import ConfigurationError
from muster_platform.logs.database import DatabaseLogStore
from muster_platform.logs.store import LogStore
from muster_platform.unit import Unit

DATABASE = "database"
ELASTICSEARCH = "elasticsearch"

_MAKERS: dict[str, Callable[[Unit], LogStore]] = {}


def enter_store(name: str, make: Callable[[Unit], LogStore]) -> None:
    """Enter how a store is made for a unit of work."""
    _MAKERS[name] = make


def store_of(unit: Unit) -> LogStore:
    """Give the log store of the installation.

    Raises:
        ConfigurationError: the setting names none that there is.
    """
    name = unit.settings.log_store
    if name == DATABASE:
        return DatabaseLogStore(unit.session)
    make = _MAKERS.get(name)
    if make is None:
        raise ConfigurationError(
            f"log_store is {DATABASE} or {ELASTICSEARCH}, not {name!r}", where="log_store"
        )
    return make(unit)
