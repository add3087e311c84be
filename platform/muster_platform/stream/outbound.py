"""Messages that are not executions (settings, clearing, kicks): read in order, deleted on PUBACK.

One process at a time does this (a lease), so that two messages on one topic keep their order.
"""

from collections.abc import Collection

from sqlalchemy import delete, select

from muster_platform.devices.models import Outbound
from muster_platform.unit import Unit

QOS = 1


def waiting(unit: Unit, in_flight: Collection[int], limit: int) -> list[Outbound]:
    """Read messages in the order of their ids, without those that are on their way.

    Never "behind the last one": ids are given before the commit, a lower one may appear later.
    """
    query = select(Outbound).order_by(Outbound.id).limit(limit)
    if in_flight:
        query = query.where(Outbound.id.not_in(list(in_flight)))
    return list(unit.session.scalars(query))


def published(unit: Unit, ids: Collection[int]) -> None:
    """Forget messages that the broker has acknowledged."""
    unit.session.execute(
        delete(Outbound).where(Outbound.id.in_(list(ids))),
        execution_options={"synchronize_session": False},
    )
