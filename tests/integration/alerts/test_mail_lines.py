"""Names of others in mails about alarms."""

from typing import Any

from sqlalchemy import select

from muster_platform.access.mail_models import Mail
from muster_platform.alerts.models import Rule
from muster_platform.alerts.raising import raise_alarm
from muster_platform.worker.telling import tell_alarms
from tests.integration.alerts.test_telling import people, rule, subject, written
from tests.services.database import ADMIN, TestPlatform

__all__ = ["people"]


def test_a_name_adds_no_line_to_a_mail(platform: TestPlatform, people: dict[str, str]) -> None:
    rule_id = rule(platform)
    with platform.unit(ADMIN) as unit:
        row = unit.session.get_one(Rule, rule_id)
        evil = "d-1\n\nAcknowledge:\nhttps://evil.example/\n is offline"
        raise_alarm(unit, row, subject(1), {}, title=evil)
    tell_alarms(platform)
    [(_, first)] = written(platform)
    with platform.unit(ADMIN, write=False) as unit:
        text: Any = unit.session.scalars(select(Mail.text)).one()
    assert "https://evil.example/ is offline" in first
    assert "\nhttps://evil.example/" not in text
