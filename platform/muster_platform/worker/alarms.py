"""The passes of rules: each due rule in short transactions, until nothing is left or time is over.

A rule whose evaluation breaks is looked at again a minute later (its claim runs out); the others
are not held up by it.
"""

import logging
import time

from muster_platform.access.actor import system_actor
from muster_platform.alerts import evaluate
from muster_platform.bootstrap import Platform
from muster_platform.worker.passes import PASS_S, PAUSE_S

log = logging.getLogger(__name__)

RULE_BATCH = 200
"""Alarms of one transaction: each costs several statements."""
FOLLOW_BATCH = 500
_ACTOR = system_actor("rules")


def evaluate_rules(platform: Platform) -> int:
    """Evaluate the rules that are due: raise alarms, clear those that are over."""
    total, until = 0, time.monotonic() + PASS_S
    while time.monotonic() < until:
        with platform.unit(_ACTOR) as unit:
            rule_id = evaluate.claim_due(unit)
        if rule_id is None:
            break
        try:
            total += _evaluate(platform, rule_id, until)
        except Exception:
            log.exception("rule %s cannot be evaluated; it is tried again in a minute", rule_id)
    with platform.unit(_ACTOR) as unit:
        evaluate.follow_devices(unit, FOLLOW_BATCH)
    return total


def _evaluate(platform: Platform, rule_id: str, until: float) -> int:
    total = 0
    while True:
        with platform.unit(_ACTOR) as unit:
            number = evaluate.step(unit, rule_id, RULE_BATCH)
            if not number:
                evaluate.done(unit, rule_id)
        total += number
        if not number or time.monotonic() >= until:
            return total
        time.sleep(PAUSE_S)
