"""What schemathesis makes of the document: no 5xx, and no answer that the document does not tell.

Every operation is called with right and wrong data made from its schema, as an administrator and
as somebody without any right; once with names that are made up too, once with names of things that
are there.
"""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import hypothesis
import pytest
import schemathesis
from flask import Flask
from hypothesis import HealthCheck, Phase, given
from schemathesis.checks import not_a_server_error
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi import checks

from muster_platform.bootstrap import build
from muster_platform.clock import ManualClock
from muster_platform.settings import Settings
from muster_platform.web.app import create_app
from muster_platform.web.openapi import document
from tests.integration.web.conftest import ADMIN, NOBODY, World
from tests.integration.web.samples import fresh
from tests.services.database import MigratedSqlite

SCHEMA = schemathesis.openapi.from_dict(document())
OPERATIONS = {
    found.ok().definition.raw["operationId"]: found.ok() for found in SCHEMA.get_all_operations()
}
CHECKS = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
    checks.negative_data_rejection,
]
EXAMPLES = {(ADMIN, GenerationMode.POSITIVE): 5, (ADMIN, GenerationMode.NEGATIVE): 4}
SETTINGS = hypothesis.settings(
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
FEW = 2
"""Whoever has no right does not get far with any data."""


@dataclass
class Template:
    """An installation to be copied for each operation.

    Attributes:
        names: of one of everything, as paths call them.
        tokens: by user.
    """

    file: Path
    settings: Settings
    clock: ManualClock
    names: dict[str, Any]
    tokens: dict[str, str]


@pytest.fixture(scope="module")
def kept() -> list[Template]:
    """Give a place for the one template; the first test fills it."""
    return []


@pytest.fixture
def template(
    kept: list[Template],
    make_world: Callable[..., World],
    migrated_sqlite: MigratedSqlite,
    tmp_path_factory: pytest.TempPathFactory,
) -> Template:
    """Give the template."""
    if not kept:
        url = migrated_sqlite.copy()
        world = make_world(url)
        names = fresh(world)
        tokens = {who: world.sign_in(who)["access_token"] for who in (ADMIN, NOBODY)}
        world.platform.close()
        file = tmp_path_factory.mktemp("template") / "muster.db"
        shutil.copy(url.removeprefix("sqlite:///"), file)
        kept.append(Template(file, world.platform.settings, world.clock, names, tokens))
    return kept[0]


@pytest.fixture
def app(template: Template, tmp_path: Path) -> Iterator[Flask]:
    """Give the application on a copy of the template."""
    shutil.copy(template.file, tmp_path / "muster.db")
    url = f"sqlite:///{tmp_path}/muster.db"
    platform = build(replace(template.settings, database_url=url), template.clock)
    yield create_app(platform, pages=False)
    platform.close()


@pytest.mark.parametrize("who", [ADMIN, NOBODY])
@pytest.mark.parametrize("name", OPERATIONS)
def test_every_answer_is_in_the_document(
    name: str, who: str, template: Template, app: Flask
) -> None:
    headers = {"Authorization": f"Bearer {template.tokens[who]}"}

    def check(case: schemathesis.Case[Any]) -> None:
        for parameters in (case.path_parameters, template.names):
            case.path_parameters = {
                key: parameters.get(key, value) for key, value in case.path_parameters.items()
            }
            answer = case.call(app=app, headers=headers, buffered=True)
            case.validate_response(answer, checks=CHECKS, headers=headers)
            if not case.path_parameters:
                return

    for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
        strategy = OPERATIONS[name].as_strategy(generation_mode=mode)
        settings = hypothesis.settings(SETTINGS, max_examples=EXAMPLES.get((who, mode), FEW))
        settings(given(strategy)(check))()
