"""What the parts said of themselves, and which have fallen silent."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy import delete, select

from muster_platform.access.permissions import Permission
from muster_platform.db.text import clean
from muster_platform.parts.models import PartBeat
from muster_platform.unit import Unit

BEAT_S = 10.0
SILENT_MS = 45_000
"""A part that said nothing for this long is taken for stopped."""
FORGOTTEN_MS = 24 * 3600 * 1000
"""A process that is gone is shown for a day, so that one sees that it is."""
DETAIL_CHARS = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Beat:
    """What a part says of itself; see PartBeat."""

    name: str
    state: str = "ok"
    detail: str = ""
    figures: dict[str, float] = field(default_factory=dict)
    since: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PartState:
    """How a part stands.

    Attributes:
        state: ok, warn or bad; bad as well where it has fallen silent.
        since: of the state, ms since the epoch.
    """

    name: str
    instance: str
    state: str
    detail: str
    figures: dict[str, float]
    since: int


class PartService:
    """Takes and gives the beats."""

    def __init__(self, unit: Unit) -> None:
        self._unit = unit

    def beat(self, instance: str, began: int | None, beats: Sequence[Beat]) -> None:
        """Keep what a process says of its parts.

        Args:
            instance: host and process id.
            began: when the process began, ms since the epoch; None: whichever process it was,
                since it was last silent.

        Raises:
            PermissionDenied: without system:write everywhere.
        """
        self._unit.actor.require(Permission.SYSTEM_WRITE)
        session, now = self._unit.session, self._unit.now()
        session.execute(delete(PartBeat).where(PartBeat.seen_at < now - FORGOTTEN_MS))
        for beat in beats:
            row = session.get(PartBeat, (beat.name, instance))
            if row is None:
                row = PartBeat(name=beat.name, instance=instance)
                session.add(row)
            row.since = _since(row, beat, began, now)
            row.state, row.detail = beat.state, clean(beat.detail)[:DETAIL_CHARS]
            row.figures, row.seen_at = dict(beat.figures), now

    def list(self) -> list[PartState]:
        """Give the parts by name; of one that works nobody needs to know its predecessors.

        Raises:
            PermissionDenied: without system:read everywhere.
        """
        self._unit.actor.require(Permission.SYSTEM_READ)
        oldest = self._unit.now() - SILENT_MS
        rows = self._unit.session.scalars(
            select(PartBeat).order_by(PartBeat.name, PartBeat.seen_at.desc())
        ).all()
        alive = {row.name for row in rows if row.seen_at >= oldest}
        found: list[PartState] = []
        for row in rows:
            if row.seen_at >= oldest:
                found.append(_state(row, row.state, row.detail, row.since))
            elif row.name not in alive:
                alive.add(row.name)  # of several that are gone the last one is told
                found.append(_state(row, "bad", "Silent: it has stopped or hangs", row.seen_at))
        return found


def _since(row: PartBeat, beat: Beat, began: int | None, now: int) -> int:
    if beat.since is not None:
        return beat.since
    if row.seen_at is not None and row.state == beat.state and now - row.seen_at < SILENT_MS:
        return row.since
    return began if began is not None and row.seen_at is None else now


def _state(row: PartBeat, state: str, detail: str, since: int) -> PartState:
    return PartState(
        name=row.name,
        instance=row.instance,
        state=state,
        detail=detail,
        figures=row.figures,
        since=since,
    )
