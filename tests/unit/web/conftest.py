"""An application that never reaches its database."""

from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from muster_platform.bootstrap import build
from muster_platform.clock import ManualClock
from muster_platform.settings import Settings
from muster_platform.web.app import create_app


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(
        state_dir=tmp_path,
        database_url=f"sqlite:///{tmp_path}/muster.db",
        live_url="ws://live.example:8081",
        jwt_secret="j" * 43,
        broker_token="b" * 43,
    )


@pytest.fixture
def app(settings: Settings) -> Flask:
    return create_app(build(settings, ManualClock()), pages=False)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()
