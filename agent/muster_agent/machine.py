"""What the machine is and how it does, from the standard library and /proc."""

import os
import platform
import shutil
import time
from pathlib import Path
from typing import Any

_MEMINFO = Path("/proc/meminfo")
_MODEL = (
    Path("/proc/device-tree/model"),
    Path("/sys/class/dmi/id/product_name"),
)


def describe() -> dict[str, Any]:
    """Give what does not change while the machine runs: os, model, architecture, zone."""
    facts: dict[str, Any] = {
        "os": f"{platform.system()} {platform.release()}",
        "architecture": platform.machine(),
        "host": platform.node(),
        "python": platform.python_version(),
        "cpus": os.cpu_count() or 1,
        "time_zone": time.strftime("%Z"),
    }
    for file in _MODEL:
        text = _read(file).strip("\0 \n")
        if text:
            facts["model"] = text[:128]
            break
    return facts


def measure() -> dict[str, float]:
    """Give load, memory, disk and uptime, as far as this machine tells them."""
    values: dict[str, float] = {"uptime_s": round(time.clock_gettime(time.CLOCK_BOOTTIME), 1)}
    values["load_1m"] = round(os.getloadavg()[0], 3)
    memory = _memory()
    if memory:
        values["memory_used_percent"] = memory
    usage = shutil.disk_usage("/")
    values["disk_used_percent"] = round(100 * usage.used / usage.total, 2)
    return values


def _memory() -> float | None:
    fields = {}
    for line in _read(_MEMINFO).splitlines():
        name, _, rest = line.partition(":")
        number = rest.split()
        if number and number[0].isdigit():
            fields[name] = int(number[0])
    total, free = fields.get("MemTotal"), fields.get("MemAvailable")
    if not total or free is None:
        return None
    return round(100 * (1 - free / total), 2)


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
