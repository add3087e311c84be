"""What `muster up` refuses before anything starts, and what it does once."""

import socket
from pathlib import Path

import pytest

from muster_platform import config
from muster_platform.bootstrap import build
from muster_platform.errors import ConfigurationError
from muster_platform.settings import Settings
from muster_platform.up import prepare
from muster_platform.up.run import run_up


def settings(folder: Path, **chosen: object) -> Settings:
    ports = {"web_port": 0, "live_port": 0, "broker_port": 0, "broker_ws_port": 0}
    return config.load(environ={}, state_dir=folder, **(ports | chosen))


def test_a_taken_port_is_named_with_its_setting(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigurationError, match=rf"port {port} .* MUSTER_LIVE_PORT"):
            prepare.check_ports(settings(tmp_path, live_port=port))


def test_a_second_one_in_the_same_folder_is_refused_with_the_firsts_pid(tmp_path: Path) -> None:
    with (
        prepare.lock(settings(tmp_path)),
        pytest.raises(ConfigurationError, match=r"pid \d+.*--state"),
    ):
        prepare.lock(settings(tmp_path))


def test_a_demonstration_never_empties_or_enters_somebodys_folder(tmp_path: Path) -> None:
    chosen = settings(tmp_path)
    fleet = tmp_path / "muster.db"
    fleet.write_text("a fleet")
    with pytest.raises(ConfigurationError, match=r"muster\.db.*choose another --state"):
        run_up(chosen, demo=True, devices=1, scenario=None)
    assert fleet.read_text() == "a fleet"
    assert not (tmp_path / "demo").exists()


def test_a_database_of_another_version_is_refused_and_left_alone(tmp_path: Path) -> None:
    platform = build(settings(tmp_path))
    prepare.database(platform)
    with platform.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(ConfigurationError, match=r"9999.*newer"):
        prepare.database(platform)
    platform.close()


def test_the_first_administrator_is_made_once(tmp_path: Path) -> None:
    platform = build(settings(tmp_path))
    prepare.database(platform)
    first = prepare.first_administrator(platform)
    assert first is not None
    assert len(first.password) >= 12
    assert prepare.first_administrator(platform) is None
    platform.close()


def test_an_address_that_a_killed_up_left_behind_is_not_taken_for_a_configured_redis(
    tmp_path: Path,
) -> None:
    first, port = prepare.embedded_redis(settings(tmp_path))
    assert port is not None
    assert settings(tmp_path).redis_url == first.redis_url  # a second terminal finds it
    second, port = prepare.embedded_redis(settings(tmp_path))  # after kill -9: nothing was tidied
    assert port is not None
    assert settings(tmp_path).redis_url == second.redis_url
    prepare.forget_redis(second)
    assert settings(tmp_path).redis_url == ""
    configured = settings(tmp_path, redis_url="redis://elsewhere/0")
    assert prepare.embedded_redis(configured) == (configured, None)


@pytest.mark.parametrize(("value", "says"), [("abc", "expected a number"), (99_999, "range")])
def test_a_setting_that_is_no_port_is_named(tmp_path: Path, value: object, says: str) -> None:
    file = tmp_path / "muster.toml"
    file.write_text(f"web_port = {value!r}\n")
    with pytest.raises(ConfigurationError, match=rf"web_port: .*{says}"):
        config.load(file, environ={})
