"""The files that the guides show are read as they stand there."""

import re
from pathlib import Path
from typing import Any

from muster_agent.commands import CommandCall
from muster_agent.config import AgentFile, load_function, read_toml
from muster_agent.core import Start
from muster_agent.simulator.scenario import load_scenario

GUIDES = Path(__file__).parents[3] / "docs" / "guide"


def block(guide: str, language: str, holding: str) -> str:
    text = (GUIDES / guide).read_text(encoding="utf-8")
    found = re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)
    chosen: str = next(code for code in found if holding in code)
    return chosen


class Recorder:
    """Takes the place of the Agent: keeps what is declared."""

    def __init__(self) -> None:
        self.declared: dict[str, Any] = {}

    def __getattr__(self, kind: str) -> Any:
        def declare(name: str = "", **_: Any) -> Any:
            def keep(function: Any) -> Any:
                self.declared[name or function.__name__] = function
                return function

            return keep

        return declare


def test_the_agents_guide(tmp_path: Path) -> None:
    file = tmp_path / "agent.toml"
    file.write_text(block("agent.md", "toml", "[agent]"))
    (tmp_path / "app.py").write_text(block("agent.md", "python", "def setup"))
    settings = read_toml(file, AgentFile)
    recorder = Recorder()
    load_function(settings.agent.handlers or "", tmp_path, "agent.toml")(recorder)  # type: ignore[arg-type]
    assert recorder.declared.keys() == {"climate", "blink", "interval_s"}
    call = CommandCall(Start("e", "blink", {"times": 1}), lambda *_: None, dict)
    assert recorder.declared["blink"](call) == {"blinked": 1}


def test_every_key_of_agent_toml_is_in_the_guide() -> None:
    text = (GUIDES / "agent.md").read_text(encoding="utf-8")
    table = AgentFile().agent
    assert [key for key in table.__struct_fields__ if f"`{key}`" not in text] == []


def test_the_simulators_guide(tmp_path: Path) -> None:
    file = tmp_path / "scenario.toml"
    file.write_text(block("simulator.md", "toml", "[profiles.sensor]"))
    table = load_scenario(file).profiles["sensor"]
    kinds = {type(metric).__name__ for metric in table.metrics.values()}
    assert kinds == {"Sine", "Walk", "Counter", "Choice", "Place"}
    shown = file.read_text()
    for part in (table.faults, table.updates, table.commands, table.logs, table):
        assert [key for key in part.__struct_fields__ if key not in shown] == []
