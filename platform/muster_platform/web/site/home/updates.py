"""Panels over updates: rollouts that run, how far devices are, releases in the making."""

from dataclasses import dataclass

from muster_platform.access.permissions import Permission
from muster_platform.paging import PageRequest
from muster_platform.unit import Unit
from muster_platform.updates.adoption import Adoption, AdoptionService
from muster_platform.updates.models import Release
from muster_platform.updates.releases import ReleaseFilter, ReleaseService
from muster_platform.updates.rollout_views import RolloutView
from muster_platform.updates.rollouts import RolloutService
from muster_platform.web.site import words
from muster_platform.web.site.home.panel import ROWS, Panel
from muster_platform.web.site.views.rollouts import not_opened
from muster_protocol.states import JOB_TERMINAL, JobState

NEWEST = 4
"""Releases whose adoption is shown."""


@dataclass(frozen=True, slots=True)
class Going:
    """A rollout, and its devices by state as a bar is drawn."""

    rollout: RolloutView
    bar: list[tuple[str, int, str]]
    phase: str


def rollouts(unit: Unit) -> list[Going]:
    """Give the rollouts that have not ended."""
    wanted = tuple(state for state in JobState if state not in JOB_TERMINAL)
    found = RolloutService(unit).list(PageRequest(ROWS), wanted).items
    return [_going(one) for one in found]


def adoption(unit: Unit) -> list[Adoption]:
    """Give how many devices have what the newest releases bring."""
    return AdoptionService(unit).newest(NEWEST)


def releases(unit: Unit) -> list[Release]:
    """Give the newest releases, drafts among them."""
    return ReleaseService(unit).list(ReleaseFilter(), PageRequest(ROWS)).items


def panels() -> list[Panel]:
    """Make the panels of this subject."""
    return [
        Panel(
            name="rollouts",
            title="Rollouts",
            permissions=(Permission.ROLLOUTS_READ,),
            read=rollouts,
            topics="fleet:job fleet:execution",
            more=("All rollouts", "rollouts.index"),
        ),
        Panel(
            name="adoption",
            title="Adoption of the newest releases",
            permissions=(Permission.RELEASES_READ, Permission.DEVICES_READ),
            read=adoption,
            every_s=60,
        ),
        Panel(
            name="releases",
            title="Releases",
            permissions=(Permission.RELEASES_READ,),
            read=releases,
            every_s=60,
            more=("All releases", "releases.index"),
        ),
    ]


def _going(rollout: RolloutView) -> Going:
    looks = [
        (words.look(words.EXECUTION, state), count)
        for state, count in sorted(
            rollout.job.counts.items(), key=lambda pair: list(words.EXECUTION).index(pair[0])
        )
        if count
    ]
    opened = [phase.number for phase in rollout.phases if phase.opened_at is not None]
    phase = f"phase {max(opened, default=1)} of {len(rollout.phases)}"
    bar = [(look.tone, count, look.label) for look, count in looks]
    return Going(rollout, bar + not_opened(rollout), phase)
