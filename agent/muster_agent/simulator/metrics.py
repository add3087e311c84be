"""Numbers that look like measurements. The same random source gives the same values."""

import math
from random import Random
from typing import Any, Protocol

from muster_agent.simulator.scenario import Choice, Counter, Metric, Place, Sine, Walk

_KM_PER_DEGREE = 111.2


class Generator(Protocol):
    """Gives the next value of one metric of one device."""

    def next(self, at_s: float) -> Any:
        """Give the value at a time (seconds, any origin)."""


class _Walk:
    def __init__(self, spec: Walk, random: Random) -> None:
        self._spec, self._random = spec, random
        self._value = random.uniform(*spec.start)

    def next(self, at_s: float) -> float:  # noqa: ARG002
        spec = self._spec
        value = self._value + self._random.gauss(0, spec.step)
        self._value = min(spec.max, max(spec.min, value))
        return round(self._value, spec.digits)


class _Sine:
    def __init__(self, spec: Sine, random: Random) -> None:
        self._spec, self._random = spec, random
        self._phase = random.uniform(0, 2 * math.pi)

    def next(self, at_s: float) -> float:
        spec = self._spec
        wave = math.sin(2 * math.pi * at_s / spec.period_s + self._phase)
        value = spec.mean + spec.amplitude * wave + self._random.gauss(0, spec.noise)
        return round(value, spec.digits)


class _Counter:
    def __init__(self, spec: Counter, random: Random) -> None:
        self._spec, self._random = spec, random
        self._value = 0.0

    def next(self, at_s: float) -> float:  # noqa: ARG002
        self._value += round(self._random.uniform(*self._spec.step))
        return self._value


class _Choice:
    def __init__(self, spec: Choice, random: Random) -> None:
        self._spec, self._random = spec, random
        self._value = random.choice(spec.values)

    def next(self, at_s: float) -> float | bool | str:  # noqa: ARG002
        if self._random.random() < self._spec.change:
            self._value = self._random.choice(self._spec.values)
        return self._value


class _Place:
    def __init__(self, spec: Place, random: Random) -> None:
        self._spec, self._random = spec, random
        self._north = random.uniform(-1, 1) * spec.radius_km
        self._east = random.uniform(-1, 1) * spec.radius_km

    def next(self, at_s: float) -> tuple[float, float]:  # noqa: ARG002
        spec = self._spec
        step = spec.radius_km / 50
        self._north = self._drift(self._north, step)
        self._east = self._drift(self._east, step)
        lat = spec.lat + self._north / _KM_PER_DEGREE
        lon = spec.lon + self._east / (_KM_PER_DEGREE * math.cos(math.radians(spec.lat)))
        return round(lat, 5), round(lon, 5)

    def _drift(self, value: float, step: float) -> float:
        radius = self._spec.radius_km
        return min(radius, max(-radius, value + self._random.gauss(0, step)))


def make_generator(spec: Metric, random: Random) -> Generator:
    """Make the generator of a metric."""
    match spec:
        case Walk():
            return _Walk(spec, random)
        case Sine():
            return _Sine(spec, random)
        case Counter():
            return _Counter(spec, random)
        case Choice():
            return _Choice(spec, random)
        case Place():
            return _Place(spec, random)
