"""Every table, in one import: fills the metadata for migrations and tests."""

from muster_platform.access import mail_models as mails
from muster_platform.access import models as access
from muster_platform.access import sign_in_models as sign_ins
from muster_platform.access import token_models as tokens
from muster_platform.alerts import models as alerts
from muster_platform.alerts import oncall_models as on_call
from muster_platform.devices import enrolment_models as enrolment
from muster_platform.devices import models as devices
from muster_platform.devices import settings_models
from muster_platform.devices import stream_models as stream
from muster_platform.devices.bulk import models as bulk
from muster_platform.jobs import models as jobs
from muster_platform.logs import fingerprint_models as fingerprints
from muster_platform.logs import models as logs
from muster_platform.parts import models as parts
from muster_platform.tasks import models as tasks
from muster_platform.updates import models as updates
from muster_platform.updates import rollout_models as rollouts

__all__ = [
    "access",
    "alerts",
    "bulk",
    "devices",
    "enrolment",
    "fingerprints",
    "jobs",
    "logs",
    "mails",
    "on_call",
    "parts",
    "rollouts",
    "settings_models",
    "sign_ins",
    "stream",
    "tasks",
    "tokens",
    "updates",
]
