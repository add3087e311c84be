"""The demonstration: people, profiles, groups, and a rehearsal fleet."""

import secrets
from pathlib import Path
from typing import NamedTuple

from muster_platform.access.actor import system_actor
from muster_platform.access.groups import GroupService
from muster_platform.access.users import UserService
from muster_platform.bootstrap import Platform
from muster_platform.devices.enrolment import EnrolmentService
from muster_platform.devices.profiles import ProfileService
from muster_platform.up.parts import MUSTER, Part
from muster_platform.up.prepare import FIRST_ADMINISTRATOR, SignIn


class Person(NamedTuple):
    """Somebody of the demonstration; `group` is where the rights end, "" for nowhere."""

    email: str
    name: str
    roles: tuple[str, ...]
    group: str = ""


PROFILES = (
    ("sensor", "Climate sensor", "always", 300, "Cold chain"),
    ("gateway", "Edge gateway", "always", 300, "Depots"),
    ("phone", "Driver's phone", "periodic", 900, "Drivers"),
)
"""Name, title, contact, expect_every_s, and the group of its devices; as the default scenario."""


PEOPLE: tuple[Person, ...] = (
    Person("operator@example.org", "Noor Haddad", ("operator",)),
    Person("depots@example.org", "Tomas Lind", ("operator",), "Depots"),
    Person("release@example.org", "Ines Moreau", ("release_manager",)),
    Person("analyst@example.org", "Kofi Mensah", ("analyst",)),
    Person("oncall@example.org", "Mika Saarinen", ("on_call",)),
    Person("auditor@example.org", "Ruth Adler", ("auditor",)),
    Person("viewer@example.org", "Lea Braun", ("viewer",)),
    Person("lead@example.org", "Sam Okoye", ("operator", "auditor")),
)
"""One for each role; one whose rights end at a group; one with two roles, and so two homes."""


def prepare_demo(platform: Platform) -> SignIn:
    """Make groups, profiles and people that can sign in at once, all with one password."""
    password = secrets.token_urlsafe(9)
    with platform.unit(system_actor("setup")) as unit:
        users, groups = UserService(unit), {}
        for name, title, contact, expect_every_s, group in PROFILES:
            groups[group] = GroupService(unit).create(group).id
            ProfileService(unit).create(name, title, contact, expect_every_s)
        everybody = (Person(FIRST_ADMINISTRATOR, "Demo administrator", ("administrator",)), *PEOPLE)
        for person in everybody:
            user, _ = users.create(person.email, person.name, password)
            for role in person.roles:
                users.bind(user.id, role, groups[person.group] if person.group else None)
    return SignIn(FIRST_ADMINISTRATOR, password, tuple(map(_line, PEOPLE)))


def _line(person: Person) -> tuple[str, str]:
    what = " and ".join(role.replace("_", " ") for role in person.roles)
    return person.email, f"{what} of {person.group} only" if person.group else what


def simulator(platform: Platform, devices: int, scenario: Path | None) -> Part:
    """Give the part that drives the simulated devices, with tokens for them to enrol."""
    tokens = []
    with platform.unit(system_actor("setup")) as unit:
        groups = {group.name: group.id for group in GroupService(unit).list()}
        for name, title, *_, group in PROFILES:
            service = EnrolmentService(unit)
            _, text = service.create_token(f"Simulator: {title}", name, groups[group], "allow_new")
            tokens.append(f"{name}={text}")
    settings = platform.settings
    command = (
        *(*MUSTER, "simulate", "--server", settings.public_url),
        *("--devices", str(devices), "--state", str(settings.state_dir / "simulator")),
        *(("--scenario", str(scenario)) if scenario else ()),
    )
    trusted = {"SSL_CERT_FILE": settings.broker_ca_file} if settings.broker_ca_file else {}
    return Part(
        "simulate",
        command,
        {"MUSTER_ENROLMENT_TOKEN": " ".join(tokens), **trusted},
        after=("broker", "run"),
        ready_text="ready",
        shown=f"{devices} devices",
    )
