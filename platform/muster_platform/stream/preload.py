"""What the messages of a batch are about, read and locked in a few statements for all of them.

Without it every report costs four round trips to the database. What is read here is kept in the
session (`session.info`), and so as long as the transaction; where nothing was preloaded, the
domains read row by row.
"""

from collections.abc import Mapping, Sequence

from sqlalchemy import select

from muster_platform.db.chunks import chunks
from muster_platform.devices.ingest.book import KnownDevice
from muster_platform.devices.ingest.inventory import preload_inventories
from muster_platform.devices.models import Device
from muster_platform.jobs.rows import preload_executions
from muster_platform.stream.messages import Envelope
from muster_platform.unit import Unit
from muster_platform.updates.rollout_inventory import preload_updates
from muster_protocol.messages import Hello, InventoryReport, Logs, Report, Telemetry
from muster_protocol.states import ExecutionState

_BULK = Telemetry | Logs


def preload(
    unit: Unit, devices: Mapping[str, KnownDevice], envelopes: Sequence[Envelope]
) -> list[Device]:
    """Read devices of control messages, executions of reports, inventories and open updates.

    Returns:
        The devices: to be held, since the session forgets what nobody holds.
    """
    about = [(devices[e.subject].key, e.message) for e in envelopes if e.subject in devices]
    control = {key for key, message in about if message and not isinstance(message, _BULK)}
    loaded: list[Device] = []
    for part in chunks(sorted(control)):
        loaded += unit.session.scalars(select(Device).where(Device.id.in_(part))).unique()
    reports = [(key, message) for key, message in about if isinstance(message, Report)]
    told = {key for key, message in about if isinstance(message, Hello | InventoryReport)}
    claimed = {key for key, message in reports if message.state is ExecutionState.SUCCEEDED}
    preload_executions(unit.session, {message.execution for _, message in reports})
    preload_updates(unit.session, told)
    preload_inventories(unit.session, told | claimed)
    return loaded
