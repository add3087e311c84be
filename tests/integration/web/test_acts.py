"""No act without its entry: whatever a person changes by the API stands in the audit log."""

import ast
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

import muster_platform
from muster_platform.access.actor import system_actor
from muster_platform.access.audit_verify import AuditVerifier, Mark
from muster_platform.access.audit_words import ACTS, KINDS
from muster_platform.access.models import AuditEntry
from muster_platform.access.users import UserService
from muster_platform.web.api import ROUTES
from muster_platform.web.api.routing import Caller, Route
from tests.integration.web.conftest import ADMIN, PASSWORD, World
from tests.integration.web.samples import body_of, fresh, path_of, prepare, query_of
from tests.integration.web.test_matrix import SIGN_OUT
from tests.services.database import MigratedSqlite

NO_ACTS: dict[str, str] = {
    "confirm_sign_in": "shows again who asks, and changes nothing",
    "put_preferences": "how one likes to look at things, and nothing else",
    "begin_second_factor": "counts only once it is confirmed",
    "preview_rule": "says what a rule would find, and keeps nothing",
    **dict.fromkeys(
        ("begin_upload", "cancel_upload"), "a file is the release's only once all of it is there"
    ),
    **dict.fromkeys(
        ("confirm_second_factor", "remove_second_factor", "renew_recovery_codes"),
        "needs a code of the person's own: test_second_factor.py",
    ),
}
"""Operation that writes and is no act of a person, and why."""

REALLY: dict[str, dict[str, object]] = {"import_devices": {"apply": True}}
"""Operation -> what its sample lacks to do it and not to plan it only."""

ACTING = [
    route
    for route in ROUTES
    if route.method != "GET" and route.writes and route.caller is Caller.USER
]


@pytest.fixture
def world(make_world: Callable[..., World], migrated_sqlite: MigratedSqlite) -> World:
    return make_world(migrated_sqlite.copy())


def entries_of(world: World, request_id: str) -> list[AuditEntry]:
    with world.platform.unit(system_actor("test"), write=False) as unit:
        statement = select(AuditEntry).where(AuditEntry.request_id == request_id)
        return list(unit.session.scalars(statement))


def administrator(world: World, email: str) -> str:
    """Make another administrator: some acts end the session of whoever acts."""
    with world.platform.unit(system_actor("test")) as unit:
        user, _ = UserService(unit).create(email, "Acting", PASSWORD)
        UserService(unit).bind(user.id, "administrator")
    return email


def silent(world: World, route: Route) -> str:
    """Call a route rightly, and say what is missing in the audit log."""
    names = fresh(world)
    who = ADMIN
    if route.operation_id in SIGN_OUT:
        who = administrator(world, f"acting-{names['n']}@example.org")
    prepare(world, route, names)
    options: dict[str, object] = {"query_string": query_of(route)}
    if (body := body_of(route, names)) is not None:
        options["json"] = body | REALLY.get(route.operation_id, {})
    answer = world.call(route.method, path_of(route, names), who, **options)
    line = f"{route.method} {route.path}"
    if answer.status_code >= 300:
        return f"{line}: {answer.status_code} {answer.text[:200]}"
    found = entries_of(world, answer.headers["X-Request-ID"])
    if not found:
        return f"{line}: no entry with its request id"
    unnamed = [e.action for e in found if e.action not in ACTS or e.subject_kind not in KINDS]
    return f"{line}: {unnamed} not in access/audit_words.py" if unnamed else ""


def test_every_act_of_a_person_leaves_an_entry_with_the_request_s_id(world: World) -> None:
    wrong = []
    for route in ACTING:
        if route.operation_id in NO_ACTS:
            continue
        try:
            wrong.append(silent(world, route))
        except AssertionError as missing:
            wrong.append(str(missing))
    assert not [line for line in wrong if line], "\n".join(line for line in wrong if line)
    with world.platform.unit(system_actor("test"), write=False) as unit:
        told = AuditVerifier(unit).verify(Mark(), 1_000_000)
    assert told.finding is None
    assert told.intact.number > len(ACTING)


RECORDING = re.compile(r"record|note|audit")
ACTION = re.compile(r"[a-z_]+\.[a-z_]+")


def recorded() -> Iterator[tuple[str, str]]:
    """Find the actions that services pass to what writes entries: (action, file)."""
    for path in Path(muster_platform.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call):
                called = getattr(node.func, "attr", None) or getattr(node.func, "id", "")
                if RECORDING.search(called):
                    for part in ast.walk(node):
                        value = getattr(part, "value", None)
                        if isinstance(value, str) and ACTION.fullmatch(value):
                            yield value, path.name


def test_every_act_in_the_code_has_its_words() -> None:
    lacking = {(action, where) for action, where in recorded() if action not in ACTS}
    assert not lacking, f"add to access/audit_words.py: {sorted(lacking)}"
    assert {action for action, _ in recorded()} > {"device.delete", "user.bind", "job.cancel"}
