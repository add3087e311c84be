"""The ledger in the database: read and written in the transaction that stores the batch."""

import json
from collections.abc import Collection, Iterable
from typing import NamedTuple

from sqlalchemy import Connection

from muster_platform.db.bulk import Column, among, insert, is_postgres, member
from muster_platform.devices.ingest.book import boot_text
from muster_platform.devices.ingest.ledger_locks import lock_accounts
from muster_platform.devices.rules.ledger import COUNT_LIMIT, Account, from_row
from muster_protocol.channels import CHANNELS, UP
from muster_protocol.limits import LEDGER_BOOTS
from muster_protocol.messages import Hello, Ledger

FOLD_AFTER_MS = 24 * 3600 * 1000
"""How long a finished boot keeps its account: what the broker still holds of it may come twice."""

TOLD_BYTES = 48 * 1024
"""About the most that one down/ledger takes: agents and brokers refuse what is larger."""

SEQUENCED = frozenset(row.name for row in CHANNELS if row.direction == UP and row.sequenced)
"""Channels whose messages are numbered."""

_COLUMNS = (
    Column("device_key"),
    Column("boot", "text"),
    Column("channel", "text"),
    Column("highest"),
    Column("missing", "jsonb"),
    Column("stored"),
    Column("doubled"),
    Column("quarantined"),
    Column("lost"),
    Column("finished", "boolean"),
    Column("updated_at"),
)
_NAMES = ", ".join(column.name for column in _COLUMNS)
_UPDATE = ", ".join(f"{column.name} = excluded.{column.name}" for column in _COLUMNS[3:])

_TOTALS = ("stored", "doubled", "quarantined", "lost", "plain")
# Capped: a total beyond the column would refuse every later message of the device.
_ADD = ", ".join(
    f"{name} = CASE WHEN ledger_totals.{name} > {COUNT_LIMIT} - excluded.{name}"
    f" THEN {COUNT_LIMIT} ELSE ledger_totals.{name} + excluded.{name} END"
    for name in _TOTALS
)


class Place(NamedTuple):
    """Where a message counts: one account each."""

    device_key: int
    boot: str
    channel: str


class LedgerBook:
    """The accounts that one transaction touches."""

    def __init__(self, connection: Connection, now: int) -> None:
        """Begin with no account.

        Args:
            connection: inside the transaction.
            now: ms since the epoch.
        """
        self._connection = connection
        self._now = now
        self._accounts: dict[Place, Account] = {}
        self._seen_at: dict[Place, int] = {}
        self._changed: set[Place] = set()
        self._plain: dict[tuple[int, str], int] = {}

    def load(self, places: Collection[Place], alone: Collection[int] = ()) -> None:
        """Read the accounts that a batch needs, in one query.

        Args:
            places: where its messages count.
            alone: keys of devices whose accounts are rewritten, as a hello does.
        """
        connection = self._connection
        lock_accounts(connection, (place.device_key for place in places), alone)
        if not places:
            return
        self._read(
            f"{member(connection, 'device_key')} AND {member(connection, 'boot', 'text')}",
            among(connection, list({place.device_key for place in places})),
            among(connection, list({place.boot for place in places})),
        )

    def take(self, place: Place, seq: int, *, quarantined: bool = False) -> bool:
        """Enter a message; False: it must not be stored."""
        account = self._accounts.get(place)
        if account is None:
            account = self._account(place)
        self._changed.add(place)
        taken = account.take(seq)
        if quarantined and taken:
            account.quarantined += 1
        return taken

    def note_quarantined(self, place: Place) -> None:
        """Enter that a message which was taken could not be used."""
        self._account(place).quarantined += 1

    def release(self, place: Place) -> None:
        """Enter that a message which was quarantined is used after all: it was taken then."""
        account = self._accounts.get(place)
        if account is not None and account.quarantined:
            account.quarantined -= 1
            self._changed.add(place)

    def plain(self, device_key: int, channel: str) -> None:
        """Count a message that has no number."""
        key = (device_key, channel)
        self._plain[key] = self._plain.get(key, 0) + 1

    def hello(self, device_key: int, hello: Hello) -> None:
        """Enter what a newest session's hello says: what was published, which boots are over."""
        self._read(member(self._connection, "device_key"), among(self._connection, [device_key]))
        present = boot_text(hello.boot) if hello.boot is not None else None
        unsent = {boot_text(boot): channels for boot, channels in hello.unsent.items()}
        for boot, channels in unsent.items():
            for channel in channels.keys() & SEQUENCED:
                place = Place(device_key, boot, channel)
                if channels[channel] > 1 or place in self._accounts:
                    self._account(place).expect(channels[channel])
                    self._changed.add(place)
        boots = {place.boot for place in self._accounts if place.device_key == device_key}
        self._finish(device_key, boots - unsent.keys() - {present})

    def _finish(self, device_key: int, over: set[str]) -> None:
        for place, account in self._accounts.items():
            if place.device_key == device_key and account.finished and place.boot not in over:
                account.finished = False
                self._changed.add(place)
        folded: list[Place] = []
        for place in [p for p in self._accounts if p.device_key == device_key and p.boot in over]:
            account = self._accounts[place]
            if not account.finished:
                account.finished = True
                self._changed.add(place)
            elif self._seen_at.get(place, self._now) < self._now - FOLD_AFTER_MS:
                folded.append(place)
        self._fold(folded)

    def flush(self) -> None:
        """Write what changed."""
        rows = []
        for place in sorted(self._changed & self._accounts.keys()):
            account = self._accounts[place]
            counts = (account.stored, account.doubled, account.quarantined, account.lost)
            gaps = json.dumps(account.missing)
            rows.append((*place, account.highest, gaps, *counts, account.finished, self._now))
        insert(
            self._connection,
            "ledger",
            _COLUMNS,
            rows,
            conflict=f"(device_key, boot, channel) DO UPDATE SET {_UPDATE}",
        )
        self._bound({place.device_key for place in self._changed - self._seen_at.keys()})
        self._add_totals(
            [(key, channel, 0, 0, 0, 0, count) for (key, channel), count in self._plain.items()]
        )
        self._changed.clear()
        self._plain.clear()

    def _account(self, place: Place) -> Account:
        account = self._accounts.get(place)
        if account is None:
            account = self._accounts[place] = Account()
        return account

    def _read(self, condition: str, *parameters: object) -> None:
        rows = self._connection.exec_driver_sql(
            f"SELECT {_NAMES} FROM ledger WHERE {condition}",  # noqa: S608 - our own names only
            tuple(parameters),
        )
        for key, boot, channel, highest, missing, *counts, finished, updated_at in rows:
            place = Place(key, boot, channel)
            if place in self._accounts:
                continue
            gaps = json.loads(missing) if isinstance(missing, str) else missing
            account = from_row(highest, gaps)
            account.stored, account.doubled, account.quarantined, account.lost = counts
            account.finished = bool(finished)
            self._accounts[place] = account
            self._seen_at[place] = updated_at

    def _bound(self, device_keys: set[int]) -> None:
        """Fold the oldest boots of devices that have more than a device can have."""
        if not device_keys:
            return
        condition = member(self._connection, "device_key")
        crowded = self._connection.exec_driver_sql(
            f"SELECT device_key FROM ledger WHERE {condition}"  # noqa: S608
            f" GROUP BY device_key HAVING COUNT(DISTINCT boot) > {LEDGER_BOOTS}",
            (among(self._connection, list(device_keys)),),
        )
        for (device_key,) in crowded.fetchall():
            self._read(condition, among(self._connection, [device_key]))
            boots: dict[str, int] = {}
            for place in (p for p in self._accounts if p.device_key == device_key):
                seen = self._now if place in self._changed else self._seen_at[place]
                boots[place.boot] = max(seen, boots.get(place.boot, 0))
            oldest = sorted(boots, key=lambda boot: boots[boot])[: len(boots) - LEDGER_BOOTS]
            over = set(oldest)
            self._fold([p for p in self._accounts if p.device_key == device_key and p.boot in over])

    def _fold(self, places: list[Place]) -> None:
        """Add accounts to the device's totals and remove them."""
        totals = []
        for place in places:
            account = self._accounts.pop(place)
            account.close()
            counts = (account.stored, account.doubled, account.quarantined, account.lost)
            totals.append((place.device_key, place.channel, *counts, 0))
            self._connection.exec_driver_sql(
                "DELETE FROM ledger WHERE device_key = %s AND boot = %s AND channel = %s"
                if is_postgres(self._connection)
                else "DELETE FROM ledger WHERE device_key = ? AND boot = ? AND channel = ?",
                tuple(place),
            )
        self._add_totals(totals)

    def _add_totals(self, rows: Iterable[tuple[int | str, ...]]) -> None:
        summed: dict[tuple[int | str, ...], list[int]] = {}
        for key, channel, *counts in rows:
            total = summed.setdefault((key, channel), [0] * len(_TOTALS))
            for index, count in enumerate(counts):
                total[index] = min(COUNT_LIMIT, total[index] + int(count))
        insert(
            self._connection,
            "ledger_totals",
            (Column("device_key"), Column("channel", "text"), *map(Column, _TOTALS)),
            [(*place, *counts) for place, counts in sorted(summed.items())],
            conflict=f"(device_key, channel) DO UPDATE SET {_ADD}",
        )


def ledgers(connection: Connection, device_keys: Collection[int]) -> dict[int, Ledger]:
    """Make the down/ledger of devices: boots that are not finished, the last heard first.

    What goes beyond TOLD_BYTES is left to a later one.
    """
    condition = member(connection, "device_key")
    rows = connection.exec_driver_sql(
        "SELECT device_key, boot, channel, highest, missing FROM ledger"  # noqa: S608
        f" WHERE {condition} AND NOT finished ORDER BY updated_at DESC",
        (among(connection, list(device_keys)),),
    )
    made: dict[int, Ledger] = {key: Ledger(stored={}, resend={}) for key in device_keys}
    room = dict.fromkeys(made, TOLD_BYTES)
    for key, boot, channel, highest, missing in rows:
        account = from_row(highest, json.loads(missing) if isinstance(missing, str) else missing)
        gaps = account.resend()
        room[key] -= 2 * len(json.dumps([boot, channel])) + len(json.dumps(gaps)) + 32
        if room[key] < 0:
            continue
        made[key].stored.setdefault(boot, {})[channel] = account.contiguous
        if gaps:
            made[key].resend.setdefault(boot, {})[channel] = gaps
    return made
