"""The demonstration: people, profiles, groups, and a rehearsal fleet."""

import secrets
from pathlib import Path

from muster_platform.access.actor import system_actor
from muster_platform.access.groups import GroupService
from muster_platform.access.users import UserService
from muster_platform.bootstrap import Platform
from muster_platform.devices.enrolment import EnrolmentService
from muster_platform.devices.profiles import ProfileService
from muster_platform.up.parts import MUSTER, Part
from muster_platform.up.prepare import FIRST_ADMINISTRATOR, SignIn

PROFILES = (
    ("sensor", "Climate sensor", "always", 300, "Cold chain"),
    ("gateway", "Edge gateway", "always", 300, "Depots"),
    ("phone", "Driver's phone", "periodic", 900, "Drivers"),
)
"""Name, title, contact, expect_every_s, and the group of its devices; as the default scenario."""


def prepare_demo(platform: Platform) -> SignIn:
    """Make groups, profiles and an administrator that can sign in at once."""
    password = secrets.token_urlsafe(9)
    with platform.unit(system_actor("setup")) as unit:
        users = UserService(unit)
        user, _ = users.create(FIRST_ADMINISTRATOR, "Demo administrator", password)
        users.bind(user.id, "administrator", None)
        for name, title, contact, expect_every_s, group in PROFILES:
            GroupService(unit).create(group)
            ProfileService(unit).create(name, title, contact, expect_every_s)
    return SignIn(FIRST_ADMINISTRATOR, password)


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
    return Part(
        "simulate",
        command,
        {"MUSTER_ENROLMENT_TOKEN": " ".join(tokens)},
        after=("broker", "run"),
        ready_text="ready",
        shown=f"{devices} devices",
    )
