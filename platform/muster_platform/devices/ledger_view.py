"""The ledger of a device, shown: what it sent, what is stored, doubled, missing, quarantined."""

from dataclasses import dataclass

from sqlalchemy import select

from muster_platform.devices.find import find_device
from muster_platform.devices.stream_models import LedgerRow, LedgerTotal
from muster_platform.unit import Unit


@dataclass(frozen=True, slots=True)
class BootView:
    """One boot and channel.

    Attributes:
        highest: highest seq stored: so many messages were sent at least.
        missing: (first, last) ranges below it, both included, that are awaited.
        lost: seqs given up.
    """

    boot: str
    channel: str
    highest: int
    missing: list[tuple[int, int]]
    stored: int
    doubled: int
    quarantined: int
    lost: int
    finished: bool
    updated_at: int


@dataclass(frozen=True, slots=True)
class ChannelView:
    """A channel over all boots, finished ones too.

    Attributes:
        sent: so many messages with a number were sent at least: stored, missing and lost.
        stored: taken; `quarantined` are of these.
        missing: number of seqs that are awaited.
        plain: messages without a number; they are stored as well.
    """

    channel: str
    sent: int
    stored: int
    doubled: int
    missing: int
    quarantined: int
    lost: int
    plain: int


@dataclass(frozen=True, slots=True)
class LedgerView:
    """The whole ledger of a device: totals by channel, and the boots that are open."""

    channels: list[ChannelView]
    boots: list[BootView]


class LedgerService:
    """Reads ledgers."""

    def __init__(self, unit: Unit) -> None:
        self._unit = unit

    def of(self, device_id: str) -> LedgerView:
        """Give the ledger of a device.

        Raises:
            NotFound: no such device that the actor may read.
        """
        device = find_device(self._unit, device_id)
        session = self._unit.session
        rows = session.scalars(
            select(LedgerRow)
            .where(LedgerRow.device_key == device.id)
            .order_by(LedgerRow.updated_at.desc(), LedgerRow.boot, LedgerRow.channel)
        )
        boots = [_boot(row) for row in rows]
        totals = session.scalars(select(LedgerTotal).where(LedgerTotal.device_key == device.id))
        return LedgerView(_channels(boots, {row.channel: row for row in totals}), boots)


def _boot(row: LedgerRow) -> BootView:
    return BootView(
        boot=row.boot,
        channel=row.channel,
        highest=row.highest,
        missing=[(first, last) for first, last in row.missing],
        stored=row.stored,
        doubled=row.doubled,
        quarantined=row.quarantined,
        lost=row.lost,
        finished=row.finished,
        updated_at=row.updated_at,
    )


def _channels(boots: list[BootView], totals: dict[str, LedgerTotal]) -> list[ChannelView]:
    names = sorted({*totals, *(boot.channel for boot in boots)})
    return [
        _channel(name, [boot for boot in boots if boot.channel == name], totals.get(name))
        for name in names
    ]


def _channel(name: str, boots: list[BootView], total: LedgerTotal | None) -> ChannelView:
    stored = sum(boot.stored for boot in boots) + (total.stored if total else 0)
    missing = sum(last - first + 1 for boot in boots for first, last in boot.missing)
    lost = sum(boot.lost for boot in boots) + (total.lost if total else 0)
    return ChannelView(
        channel=name,
        sent=stored + missing + lost,
        stored=stored,
        doubled=sum(boot.doubled for boot in boots) + (total.doubled if total else 0),
        missing=missing,
        quarantined=sum(boot.quarantined for boot in boots) + (total.quarantined if total else 0),
        lost=lost,
        plain=total.plain if total else 0,
    )
