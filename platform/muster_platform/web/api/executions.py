"""Single executions: looked at, explained, canceled, tried again."""

from muster_platform.access.permissions import Permission
from muster_platform.errors import Conflict
from muster_platform.jobs.executions import ExecutionService
from muster_platform.jobs.views import EventView, ExecutionView, Why
from muster_platform.unit import Unit
from muster_platform.web.api.common import Listed, listed
from muster_platform.web.api.jobs import Because, ExecutionQuery
from muster_platform.web.api.routing import Routes

routes = Routes("Executions")

READ = Permission.COMMANDS_READ
RUN = Permission.COMMANDS_RUN


@routes.add("GET", "/devices/{device_id}/executions", permission=READ)
def list_device_executions(
    unit: Unit, device_id: str, query: ExecutionQuery
) -> Listed[ExecutionView]:
    """List what was asked of a device, newest first."""
    return listed(ExecutionService(unit).of_device(device_id, query.page(), query.state))


@routes.add("GET", "/executions/{execution_id}", permission=READ)
def get_execution(unit: Unit, execution_id: str) -> ExecutionView:
    """Get an execution."""
    return ExecutionService(unit).get(execution_id)


@routes.add("GET", "/executions/{execution_id}/events", permission=READ)
def list_execution_events(unit: Unit, execution_id: str) -> Listed[EventView]:
    """List the whole history of an execution, oldest first."""
    return Listed(items=ExecutionService(unit).events(execution_id))


@routes.add("GET", "/executions/{execution_id}/why", permission=READ)
def why_execution(unit: Unit, execution_id: str) -> Why:
    """Say the first thing that holds it back now, or how it ended."""
    return ExecutionService(unit).why(execution_id)


@routes.add("POST", "/executions/{execution_id}/cancel", permission=RUN, errors=(Conflict,))
def cancel_execution(unit: Unit, execution_id: str, body: Because) -> ExecutionView:
    """Cancel an execution; it ends when the device confirms, or by its ordinary limit."""
    return ExecutionService(unit).cancel(execution_id, body.reason)


@routes.add(
    "POST",
    "/executions/{execution_id}/retry",
    permission=RUN,
    status=201,
    errors=(Conflict,),
    idempotent=True,
)
def retry_execution(unit: Unit, execution_id: str, body: Because) -> ExecutionView:
    """Try again: a new execution of the same job and device."""
    return ExecutionService(unit).retry(execution_id, body.reason)
