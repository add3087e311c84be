"""Passes with much to do let others write between their steps: SQLite has one writer at a time."""

from contextlib import contextmanager
from typing import Any, cast

import pytest

from muster_platform.bootstrap import Platform
from muster_platform.worker import passes, retention


class Steps:
    """A platform of which only the order of transactions and pauses is seen."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    @contextmanager
    def unit(self, _actor: object, **_options: object):
        """Open and end a transaction."""
        self.seen.append("begin")
        yield self
        self.seen.append("commit")

    def pause(self, seconds: float) -> None:
        """Take the place of time.sleep."""
        assert seconds > 0
        self.seen.append("pause")


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> Steps:
    made = Steps()
    monkeypatch.setattr("time.sleep", made.pause)
    return made


TWO = ["begin", "commit", "pause", "begin", "commit", "pause", "begin", "commit"]


def test_between_two_steps_nobody_is_kept_from_writing(steps: Steps) -> None:
    left = iter((3, 2, 0))
    assert passes.for_a_while(cast("Platform", steps), lambda _unit: next(left), 60) == 5
    assert steps.seen == TWO


def test_retention_does_so_where_it_deleted_something(steps: Steps) -> None:
    left = iter((3, 2, 0))
    step: Any = lambda _unit: next(left)  # noqa: E731
    assert retention._until_done(cast("Platform", steps), step, 1, float("inf")) == 5
    assert steps.seen == TWO
