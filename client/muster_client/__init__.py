"""The Python client of Muster's REST API.

with Muster("https://muster.example.com", token="mst_…") as muster:
    for device in each(muster.list_devices, search="pump"):
        print(device["device_id"], device["presence"]["state"])
"""

from muster_client.core import Lines
from muster_client.errors import (
    ApiError,
    ClientError,
    ConfigError,
    Conflict,
    InvalidInput,
    NotAuthenticated,
    NotFound,
    PermissionDenied,
    PreconditionFailed,
    RateLimited,
    ServerFault,
    Unavailable,
    Unreachable,
)
from muster_client.muster import Muster, each, wait_for_job
from muster_client.unset import UNSET, Unset
from muster_client.uploads import upload_artifact

__all__ = [
    "UNSET",
    "ApiError",
    "ClientError",
    "ConfigError",
    "Conflict",
    "InvalidInput",
    "Lines",
    "Muster",
    "NotAuthenticated",
    "NotFound",
    "PermissionDenied",
    "PreconditionFailed",
    "RateLimited",
    "ServerFault",
    "Unavailable",
    "Unreachable",
    "Unset",
    "each",
    "upload_artifact",
    "wait_for_job",
]
