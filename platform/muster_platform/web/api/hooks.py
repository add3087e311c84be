"""What follows elsewhere when a device or a group changes: jobs and logs hear of it in its unit."""

from muster_platform.access.groups import GroupHooks
from muster_platform.devices.hooks import AllHooks, DeviceHooks
from muster_platform.jobs.hooks import JobHooks
from muster_platform.logs.hooks import LogHooks

DEVICE_HOOKS: DeviceHooks = AllHooks(JobHooks(), LogHooks())
GROUP_HOOKS: tuple[GroupHooks, ...] = ()
