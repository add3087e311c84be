"""The homes, which role gets which, and which one a person sees first."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from muster_platform.access.actor import Actor
from muster_platform.access.permissions import Permission
from muster_platform.web.site.home import fleet, logs, on_call, people, system, trail, updates, work
from muster_platform.web.site.home.panel import Panel

PANELS: dict[str, Panel] = {
    panel.name: panel
    for module in (fleet, on_call, work, updates, logs, people, system, trail)
    for panel in module.panels()
}
"""Every panel by its name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Home:
    """What a role sees first.

    Attributes:
        name: of the built-in role that it is for.
        marks: permissions that tell a custom role's people belong here.
        top: panels over the whole width; wide and narrow: the columns below.
    """

    name: str
    title: str
    marks: frozenset[Permission]
    top: tuple[str, ...] = ()
    wide: tuple[str, ...] = ()
    narrow: tuple[str, ...] = ()

    @property
    def panels(self) -> tuple[str, ...]:
        """Give all its panels."""
        return (*self.top, *self.wide, *self.narrow)


HOMES: tuple[Home, ...] = (
    Home(
        name="administrator",
        title="Administration",
        marks=frozenset({Permission.USERS_WRITE, Permission.SYSTEM_READ}),
        top=("people",),
        wide=("parts", "tasks", "trail"),
        narrow=("sign_ins", "storage"),
    ),
    Home(
        name="operator",
        title="Operations",
        marks=frozenset({Permission.COMMANDS_RUN}),
        top=("fleet",),
        wide=("problems", "blocked", "failing"),
        narrow=("running", "recent"),
    ),
    Home(
        name="release_manager",
        title="Releases",
        marks=frozenset(
            {Permission.ROLLOUTS_RUN, Permission.DEVICES_READ, Permission.RELEASES_READ}
        ),
        top=("fleet",),
        wide=("rollouts", "failed", "adoption", "versions"),
        narrow=("releases", "behind"),
    ),
    Home(
        name="analyst",
        title="Logs",
        marks=frozenset({Permission.LOGS_WRITE}),
        top=("ask",),
        wide=("volume", "faults"),
        narrow=("levels", "loud"),
    ),
    Home(
        name="on_call",
        title="On call",
        marks=frozenset({Permission.ALARMS_ACKNOWLEDGE}),
        top=("fleet",),
        wide=("open_alarms", "alarm_mails", "problems", "failing", "changes"),
        narrow=("on_duty", "new_faults", "errors"),
    ),
    Home(
        name="auditor",
        title="Audit",
        marks=frozenset({Permission.AUDIT_READ}),
        wide=("seek", "trail"),
        narrow=("chain", "access", "sign_ins"),
    ),
    Home(
        name="viewer",
        title="Fleet",
        marks=frozenset({Permission.DEVICES_READ}),
        top=("fleet",),
        wide=("glance", "versions"),
        narrow=("heard",),
    ),
)
"""In the order of their tabs."""

BY_NAME: dict[str, Home] = {home.name: home for home in HOMES}
FITTING = (
    "administrator",
    "auditor",
    "operator",
    "on_call",
    "analyst",
    "release_manager",
    "viewer",
)
"""In which order homes are tried for the people of a custom role."""


def homes_for(actor: Actor, roles: Iterable[tuple[str, Collection[Permission]]]) -> list[Home]:
    """Give the homes of a person, in the order of the tabs.

    Args:
        roles: (name, permissions) of each role that the person has. A role that is not built in,
            or whose home would be empty for this person, leads to the home that fits best.
    """
    everything = frozenset().union(*(grant.permissions for grant in actor.grants))
    chosen = {_home_of(actor, name, held) for name, held in roles} - {None}
    chosen = chosen or {_home_of(actor, "", everything)}
    return [home for home in HOMES if home in chosen]


def _home_of(actor: Actor, role: str, held: Collection[Permission]) -> Home | None:
    for name in (role, *fitting(held)):
        if name in BY_NAME and visible(BY_NAME[name], actor):
            return BY_NAME[name]
    return None


def fitting(held: Collection[Permission]) -> list[str]:
    """Give the names of the homes that permissions can fill, the best first."""
    return [name for name in FITTING if BY_NAME[name].marks <= set(held)]


def visible(home: Home, actor: Actor) -> list[Panel]:
    """Give the panels of a home that the actor may see."""
    found = (PANELS[name] for name in home.panels)
    return [panel for panel in found if panel.may_be_seen_by(actor)]


def first(homes: list[Home], asked: str, preferred: str) -> Home | None:
    """Give the home to show: the one asked for, else the preferred one, else the first."""
    for name in (asked, preferred):
        for home in homes:
            if home.name == name:
                return home
    return homes[0] if homes else None
