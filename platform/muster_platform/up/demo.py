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
    ("gateway", "Edge gateway", "always", 300),
    ("sensor", "Climate sensor", "always", 300),
    ("phone", "Driver's phone", "periodic", 900),
)


def prepare_demo(platform: Platform) -> SignIn:
    """Make a group, profiles and an administrator that can sign in at once."""
    password = secrets.token_urlsafe(9)
    with platform.unit(system_actor("setup")) as unit:
        users = UserService(unit)
        user, _ = users.create(FIRST_ADMINISTRATOR, "Demo administrator", password)
        users.bind(user.id, "administrator", None)
        GroupService(unit).create("Rehearsal fleet", 1)
        for name, title, contact, expect_every_s in PROFILES:
            ProfileService(unit).create(name, title, contact, expect_every_s)
    return SignIn(FIRST_ADMINISTRATOR, password)


def simulator(platform: Platform, devices: int, scenario: Path | None) -> Part:
    """Give the part that drives the simulated devices, with a token per profile to enrol."""
    with platform.unit(system_actor("setup")) as unit:
        group = next(g for g in GroupService(unit).list() if g.name == "Rehearsal fleet")
        enrolment = EnrolmentService(unit)
        tokens = {
            name: enrolment.create_token(f"Simulator, {name}", name, group.id, "allow_new")[1]
            for name, *_ in PROFILES
        }
    settings = platform.settings
    command = (
        *(*MUSTER, "simulate", "--server", settings.public_url),
        *("--devices", str(devices), "--state", str(settings.state_dir / "simulator")),
        *(("--scenario", str(scenario)) if scenario else ()),
    )
    return Part(
        "simulate",
        command,
        {"MUSTER_ENROLMENT_TOKEN": " ".join(f"{name}={text}" for name, text in tokens.items())},
        after=("broker", "run"),
        ready_text="ready",
        shown=f"{devices} devices",
    )
