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

Forget = Callable[[Unit, int, int], int]
"""Deletes at most so many records of a device, by key; gives how many."""

_FORGETTERS: list[Forget] = []
_MAKERS: dict[str, Callable[[Unit], LogStore]] = {}


def enter_store(name: str, make: Callable[[Unit], LogStore], forget: Forget) -> None:
    """Enter a store beside the database: how it is made, and how it forgets a device.

    It is asked to forget whether or not it is the one that is searched.
    """
    _MAKERS[name] = make
    _FORGETTERS.append(forget)


def forget_device(unit: Unit, device_key: int, limit: int) -> int:
    """Delete a batch of a deleted device's records in the stores beside the database.

    Raises:
        Unavailable: one that there is is away.
    """
    return next((done for each in _FORGETTERS if (done := each(unit, device_key, limit))), 0)


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
