"""The `muster` command: parts that are missing or broken do not take the others along."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import typer

from muster_agent import Agent, AgentOptions, cli
from muster_agent.errors import ConfigError
from muster_agent.identity import StateDir, new_identity


class Point:
    """An entry point whose loading does what the test says."""

    def __init__(self, name: str, load: Callable[[], Any]) -> None:
        self.name = name
        self._load = load

    def load(self) -> Any:
        return self._load()


def fail(error: Exception) -> Any:
    raise error


def test_a_missing_extra_and_a_broken_part_are_one_line_each(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    registered: list[typer.Typer] = []
    points = [
        Point("broker", lambda: fail(ModuleNotFoundError("No module named 'amqtt'"))),
        Point("odd", lambda: fail(ZeroDivisionError("oops"))),
        Point("platform", lambda: registered.append),
    ]
    monkeypatch.setattr(cli, "entry_points", lambda group: points)
    app = typer.Typer()
    problems = cli.add_plugins(app)
    assert registered == [app]
    assert problems == [
        "commands of broker are not available: No module named 'amqtt' "
        "(pip install 'muster[broker]')",
        "commands of odd failed to load: ZeroDivisionError: oops",
    ]


def test_a_device_loads_nothing_of_the_server(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(cli, "entry_points", lambda group: pytest.fail("plug-ins were loaded"))
    with pytest.raises(SystemExit) as ended:
        cli.main(["agent", "--help"])
    assert ended.value.code == 0
    assert "enrol" in capsys.readouterr().out


def test_the_version_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.main(["--version"])
    assert capsys.readouterr().out.startswith("muster ")


def test_an_error_ends_with_its_code_and_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(["agent", "enrol", "--server", "x", "--token", "t", "--device-id", "not an id"])
    assert ended.value.code == 3
    error = capsys.readouterr().err
    assert error.startswith("muster: --device-id 'not an id': ")
    assert error.count("\n") == 1


@pytest.mark.parametrize(
    ("content", "says"), [(None, "No such file"), ("", "no certificate"), ("x", "no certificate")]
)
def test_a_ca_file_that_is_of_no_use_is_said_before_anything_is_sent(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str | None, says: str
) -> None:
    ca = tmp_path / "ca.pem"
    if content is not None:
        ca.write_text(content)
    words = ["agent", "enrol", "--server", "https://127.0.0.1:1", "--token", "t"]
    words += ["--device-id", "d", "--state", str(tmp_path / "s"), "--ca-file", str(ca)]
    with pytest.raises(SystemExit) as ended:
        cli.main(words)
    assert ended.value.code == 3
    error = capsys.readouterr().err
    assert error.startswith(f"muster: --ca-file: {ca}")
    assert says in error
    assert not (tmp_path / "s").exists()


def test_an_agent_whose_authority_is_gone_says_so_and_does_not_start(tmp_path: Path) -> None:
    state = StateDir(tmp_path)
    identity = new_identity("d")
    identity.secret, identity.brokers = "s", ["mqtts://127.0.0.1:1"]
    identity.ca_file = str(tmp_path / "gone.pem")
    state.save(identity)
    state.close()
    with pytest.raises(ConfigError, match=r"ca_file of .*gone\.pem: No such file"):
        Agent(AgentOptions(state_dir=tmp_path))
