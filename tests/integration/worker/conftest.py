"""The fleet of the job engine's tests."""

from tests.integration.jobs.conftest import fleet

__all__ = ["fleet"]
