"""What follows elsewhere when a device or a group changes: jobs hear of it in the same unit."""

from muster_platform.access.groups import GroupHooks
from muster_platform.devices.hooks import DeviceHooks
from muster_platform.jobs.hooks import JobHooks

DEVICE_HOOKS: DeviceHooks = JobHooks()
GROUP_HOOKS: tuple[GroupHooks, ...] = ()
