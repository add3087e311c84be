"""A rule, and alarms of it, for the samples."""

from typing import Any

from muster_platform.alerts.alarms import AlarmService
from muster_platform.alerts.models import Rule
from muster_platform.alerts.raising import Subject, raise_alarm
from muster_platform.alerts.rule_service import RuleDraft, RuleService
from muster_platform.devices.models import Device
from muster_platform.unit import Unit

PARAMS = {"metric": "temperature", "comparison": ">", "value": 80}


def make(unit: Unit, device: Device, n: int) -> dict[str, Any]:
    """Make a rule on the device's group, an alarm that is active and one that is acknowledged."""
    draft = RuleDraft(
        name=f"Hot {n}", kind="telemetry_threshold", params=PARAMS, group_id=device.group_id
    )
    made = RuleService(unit).create(draft)
    rule = unit.session.get_one(Rule, made.id)
    found = {"rule_id": made.id}
    for name, kind in (("alarm_id", "device"), ("acknowledged_alarm_id", "part")):
        subject = Subject(
            kind=kind,
            id=device.device_id,
            name=device.device_id,
            group_path=device.group.path,
            device_key=device.id if kind == "device" else None,
        )
        evidence = {"values": [{"name": "temperature", "value": 90, "at": unit.now()}]}
        found[name] = raise_alarm(unit, rule, subject, evidence, title=f"{n} is hot").id
    AlarmService(unit).acknowledge(found["acknowledged_alarm_id"])
    return found
