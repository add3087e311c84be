"""One method for each operation of the API.

Generated from docs/api/openapi.json by `make docs`; changes here are lost.
"""

from typing import Any, Literal

from muster_client.core import Caller, Lines, part
from muster_client.generated import types as t
from muster_client.unset import UNSET, Unset


class Operations(Caller):
    """Every operation, by its operationId."""

    def list_api_tokens(
        self,
        *,
        cursor: str | None = None,
        limit: int | None = None,
        all: bool | None = None,
        user_id: str | None = None,
        working: bool | None = None,
    ) -> t.Listed[t.ApiTokenAnswer]:
        """List your own API tokens, newest first; those of others need users:read."""
        found: t.Listed[t.ApiTokenAnswer] = self.call(
            "GET",
            "/api-tokens",
            query={
                "cursor": cursor,
                "limit": limit,
                "all": all,
                "user_id": user_id,
                "working": working,
            },
        )
        return found

    def create_api_token(
        self,
        *,
        name: str,
        scopes: list[t.NewScope],
        days: int | Unset = UNSET,
        idempotency_key: str | None = None,
    ) -> t.ApiTokenMade:
        """Make an API token of your own; send it as `Authorization: Bearer mst_…`.

        A token of your own to be made.

        Attributes:
            days: how long it works.
            scopes: what it may do: never more than you may yourself, now or later.
        """
        found: t.ApiTokenMade = self.call(
            "POST",
            "/api-tokens",
            body={
                "name": name,
                "scopes": scopes,
                "days": days,
            },
            idempotent=True,
            idempotency_key=idempotency_key,
        )
        return found

    def revoke_api_token(
        self,
        api_token_id: str,
    ) -> None:
        """End an API token at once; those of others need users:write."""
        self.call(
            "DELETE",
            f"/api-tokens/{part(api_token_id)}",
        )

    def get_api_token(
        self,
        api_token_id: str,
    ) -> t.ApiTokenAnswer:
        """Get an API token; those of others need users:read."""
        found: t.ApiTokenAnswer = self.call(
            "GET",
            f"/api-tokens/{part(api_token_id)}",
        )
        return found

    def list_audit(
        self,
        *,
        cursor: str | None = None,
        limit: int | None = None,
        actor_id: str | None = None,
        action: str | None = None,
        subject_kind: str | None = None,
        subject_id: str | None = None,
        since: int | None = None,
        until: int | None = None,
    ) -> t.Listed[t.AuditEntryAnswer]:
        """List entries of the audit log, newest first.

        Needs `audit:read`.
        """
        found: t.Listed[t.AuditEntryAnswer] = self.call(
            "GET",
            "/audit",
            query={
                "cursor": cursor,
                "limit": limit,
                "actor_id": actor_id,
                "action": action,
                "subject_kind": subject_kind,
                "subject_id": subject_id,
                "since": since,
                "until": until,
            },
        )
        return found

    def sign_in(
        self,
        *,
        email: str,
        password: str,
    ) -> t.Tokens:
        """Sign in with e-mail address and password.

        E-mail address and password of a user.
        """
        found: t.Tokens = self.call(
            "POST",
            "/auth/sign-in",
            body={
                "email": email,
                "password": password,
            },
            signed_in=False,
        )
        return found

    def sign_out(
        self,
    ) -> None:
        """End the session that the token belongs to, refresh tokens included."""
        self.call(
            "POST",
            "/auth/sign-out",
        )

    def delete_binding(
        self,
        binding_id: str,
    ) -> None:
        """Take a role away.

        Needs `users:write`.
        """
        self.call(
            "DELETE",
            f"/bindings/{part(binding_id)}",
        )

    def list_bulk_changes(
        self,
        *,
        cursor: str | None = None,
        limit: int | None = None,
    ) -> t.Listed[t.BulkAnswer]:
        """List changes, newest first.

        Needs `devices:read`.
        """
        found: t.Listed[t.BulkAnswer] = self.call(
            "GET",
            "/bulk",
            query={
                "cursor": cursor,
                "limit": limit,
            },
        )
        return found

    def start_bulk_change(
        self,
        *,
        selection: t.BulkSelection,
        act: Literal["delete", "disable", "enable", "move", "tag"],
        digest: str,
        args: dict[str, Any] | Unset = UNSET,
        reason: str | Unset = UNSET,
        idempotency_key: str | None = None,
    ) -> t.BulkAnswer:
        """Begin a change that was planned; it goes on by itself.

        Each device is changed with the rights that its author has then. Deleting needs
        devices:delete.

        Needs `devices:write`.

        A change as it was planned.

        Attributes:
            digest: of the plan: another fleet than the one that was looked at is refused.
        """
        found: t.BulkAnswer = self.call(
            "POST",
            "/bulk",
            body={
                "selection": selection,
                "act": act,
                "args": args,
                "digest": digest,
                "reason": reason,
            },
            idempotent=True,
            idempotency_key=idempotency_key,
        )
        return found

    def plan_bulk_change(
        self,
        *,
        selection: t.BulkSelection,
        act: Literal["delete", "disable", "enable", "move", "tag"],
        args: dict[str, Any] | Unset = UNSET,
    ) -> t.BulkPlanAnswer:
        """Say who a change would be for, who not and why. Changes nothing.

        Deleting needs devices:delete.

        Needs `devices:write`.

        What is to be done to whom.

        Attributes:
            args: of move `{"group": id}`, of tag `{"add": {name: value}, "remove": [names]}`,
            else
                none.
        """
        found: t.BulkPlanAnswer = self.call(
            "POST",
            "/bulk/plan",
            body={
                "selection": selection,
                "act": act,
                "args": args,
            },
        )
        return found

    def get_bulk_change(
        self,
        bulk_id: str,
    ) -> t.BulkAnswer:
        """Look at a change.

        Needs `devices:read`.
        """
        found: t.BulkAnswer = self.call(
            "GET",
            f"/bulk/{part(bulk_id)}",
        )
        return found

    def cancel_bulk_change(
        self,
        bulk_id: str,
        *,
        reason: str | Unset = UNSET,
    ) -> t.BulkAnswer:
        """Stop a change where it stands; what is changed stays changed.

        Needs `devices:write`.

        Why it is done, for the audit log.
        """
        found: t.BulkAnswer = self.call(
            "POST",
            f"/bulk/{part(bulk_id)}/cancel",
            body={
                "reason": reason,
            },
        )
        return found

    def list_bulk_items(
        self,
        bulk_id: str,
        *,
        cursor: str | None = None,
        limit: int | None = None,
        state: Literal["CHANGED", "PENDING", "SKIPPED"] | None = None,
    ) -> t.Listed[t.BulkItemAnswer]:
        """List the devices of a change and what became of each.

        Needs `devices:read`.
        """
        found: t.Listed[t.BulkItemAnswer] = self.call(
            "GET",
            f"/bulk/{part(bulk_id)}/items",
            query={
                "cursor": cursor,
                "limit": limit,
                "state": state,
            },
        )
        return found

    def undo_bulk_change(
        self,
        bulk_id: str,
        *,
        reason: str | Unset = UNSET,
    ) -> t.BulkAnswer:
        """Take a change back: every device gets what it had before.

        Needs `devices:write`.

        Why it is done, for the audit log.
        """
        found: t.BulkAnswer = self.call(
            "POST",
            f"/bulk/{part(bulk_id)}/undo",
            body={
                "reason": reason,
            },
        )
        return found

    def create_command(
        self,
        *,
        name: str,
        target: t.JobTarget,
        args: dict[str, Any] | Unset = UNSET,
        limits: t.JobLimits | Unset = UNSET,
        reason: str | Unset = UNSET,
        title: str | Unset = UNSET,
        idempotency_key: str | None = None,
    ) -> t.JobView:
        """Send a command to one device or many: one job, one execution a device.

        Needs `commands:run`.

        A command for several devices.
        """
        found: t.JobView = self.call(
            "POST",
            "/commands",
            body={
                "name": name,
                "args": args,
                "limits": limits,
                "reason": reason,
                "title": title,
                "target": target,
            },
            idempotent=True,
            idempotency_key=idempotency_key,
        )
        return found

    def plan_command(
        self,
        *,
        name: str,
        target: t.JobTarget,
    ) -> t.PlanAnswer:
        """Say who a command would be for, who not and why. Changes nothing.

        Needs `commands:run`.

        What a command would be: its name and who it is for.
        """
        found: t.PlanAnswer = self.call(
            "POST",
            "/commands/plan",
            body={
                "name": name,
                "target": target,
            },
        )
        return found

    def enrol(
        self,
        *,
        token: str,
        device_id: str,
        install_id: str,
        profile: str | Unset | None = UNSET,
    ) -> t.Enrolled:
        """Exchange an enrolment token for the device's own secret.

        A device asks for its secret.

        Attributes:
            token: an enrolment token.
            install_id: of this installation; the same again soon replaces a lost answer.
            profile: what the device takes itself for; refused where the token is for another.
        """
        found: t.Enrolled = self.call(
            "POST",
            "/device/enrol",
            body={
                "token": token,
                "device_id": device_id,
                "install_id": install_id,
                "profile": profile,
            },
            signed_in=False,
        )
        return found

    def list_devices(
        self,
        *,
        search: str | None = None,
        presence: list[t.PresenceState] | None = None,
        profile: str | None = None,
        group: int | None = None,
        tag: str | None = None,
        gateway: str | None = None,
        kind: Literal["child", "direct", "gateway"] | None = None,
        disabled: bool | None = None,
        sort: Literal["created", "device_id", "display_name", "last_seen", "since"] | None = None,
        descending: bool | None = None,
        cursor: str | None = None,
        limit: int | None = None,
    ) -> t.Listed[t.DeviceAnswer]:
        """List the devices of a filter that you may read.

        Needs `devices:read`.
        """
        found: t.Listed[t.DeviceAnswer] = self.call(
            "GET",
            "/devices",
            query={
                "search": search,
                "presence": presence,
                "profile": profile,
                "group": group,
                "tag": tag,
                "gateway": gateway,
                "kind": kind,
                "disabled": disabled,
                "sort": sort,
                "descending": descending,
                "cursor": cursor,
                "limit": limit,
            },
        )
        return found

    def register_device(
        self,
        *,
        device_id: str,
        profile: str,
        group_id: int | Unset | None = UNSET,
        display_name: str | Unset | None = UNSET,
        tags: dict[str, str] | Unset = UNSET,
        gateway: str | Unset | None = UNSET,
        idempotency_key: str | None = None,
    ) -> t.DeviceAnswer:
        """Register a device.

        Needs `devices:enrol`.

        A device to be registered; it has no credential yet.
        """
        found: t.DeviceAnswer = self.call(
            "POST",
            "/devices",
            body={
                "device_id": device_id,
                "profile": profile,
                "group_id": group_id,
                "display_name": display_name,
                "tags": tags,
                "gateway": gateway,
            },
            idempotent=True,
            idempotency_key=idempotency_key,
        )
        return found

    def export_devices(
        self,
        *,
        search: str | None = None,
        presence: list[t.PresenceState] | None = None,
        profile: str | None = None,
        group: int | None = None,
        tag: str | None = None,
        gateway: str | None = None,
        kind: Literal["child", "direct", "gateway"] | None = None,
        disabled: bool | None = None,
        sort: Literal["created", "device_id", "display_name", "last_seen", "since"] | None = None,
        descending: bool | None = None,
    ) -> Lines:
        """Export the devices of a filter as CSV; no cell is a formula.

        Ends after the setting `export_rows_max`.

        Needs `devices:read`.
        """
        found: Lines = self.call(
            "GET",
            "/devices.csv",
            query={
                "search": search,
                "presence": presence,
                "profile": profile,
                "group": group,
                "tag": tag,
                "gateway": gateway,
                "kind": kind,
                "disabled": disabled,
                "sort": sort,
                "descending": descending,
            },
            lines=True,
        )
        return found

    def delete_device(
        self,
        device_id: str,
        *,
        reason: str | None = None,
        purge: bool | None = None,
    ) -> None:
        """Delete a device; it can be restored for a time, unless its data is purged.

        The same id registered again is another device and inherits nothing.

        Needs `devices:delete`.
        """
        self.call(
            "DELETE",
            f"/devices/{part(device_id)}",
            query={
                "reason": reason,
                "purge": purge,
            },
        )

    def get_device(
        self,
        device_id: str,
    ) -> t.DeviceAnswer:
        """Get a device.

        Needs `devices:read`.
        """
        found: t.DeviceAnswer = self.call(
            "GET",
            f"/devices/{part(device_id)}",
        )
        return found

    def update_device(
        self,
        device_id: str,
        *,
        display_name: str | Unset | None = UNSET,
        group_id: int | Unset | None = UNSET,
        tags: dict[str, str] | Unset | None = UNSET,
        if_match: str | int | None = None,
    ) -> t.DeviceAnswer:
        """Change name, home group or tags; a new group needs devices:write there too.

        Needs `devices:write`.

        What to change; null leaves it. `tags` are all of them, when given.
        """
        found: t.DeviceAnswer = self.call(
            "PATCH",
            f"/devices/{part(device_id)}",
            body={
                "display_name": display_name,
                "group_id": group_id,
                "tags": tags,
            },
            if_match=if_match,
        )
        return found

    def send_command(
        self,
        device_id: str,
        *,
        name: str,
        args: dict[str, Any] | Unset = UNSET,
        limits: t.JobLimits | Unset = UNSET,
        reason: str | Unset = UNSET,
        title: str | Unset = UNSET,
        idempotency_key: str | None = None,
    ) -> t.JobView:
        """Send a command to one device.

        Needs `commands:run`.

        A command for one device.

        Attributes:
            args: one JSON object, as the command defines it.
            title: what people see; the command's name when empty.
        """
        found: t.JobView = self.call(
            "POST",
            f"/devices/{part(device_id)}/commands",
            body={
                "name": name,
                "args": args,
                "limits": limits,
                "reason": reason,
                "title": title,
            },
            idempotent=True,
            idempotency_key=idempotency_key,
        )
        return found

    def revoke_credentials(
        self,
        device_id: str,
    ) -> t.RevokedAnswer:
        """End all secrets of a device, so that it may enrol again.

        Needs `devices:enrol`.
        """
        found: t.RevokedAnswer = self.call(
            "DELETE",
            f"/devices/{part(device_id)}/credentials",
        )
        return found

    def list_credentials(
        self,
        device_id: str,
    ) -> t.Listed[t.CredentialAnswer]:
        """List a device's credentials, newest first; none holds a secret.

        Needs `devices:read`.
        """
        found: t.Listed[t.CredentialAnswer] = self.call(
            "GET",
            f"/devices/{part(device_id)}/credentials",
        )
        return found

    def rotate_credential(
        self,
        device_id: str,
        *,
        overlap_s: int | Unset = UNSET,
        idempotency_key: str | None = None,
    ) -> t.SecretAnswer:
        """Give a device a new secret; those before it end after the overlap.

        Needs `devices:enrol`.

        How long the secrets before still work; 0 ends them now.
        """
        found: t.SecretAnswer = self.call(
            "POST",
            f"/devices/{part(device_id)}/credentials",
            body={
                "overlap_s": overlap_s,
            },
            idempotent=True,
            idempotency_key=idempotency_key,
        )
        return found

    def revoke_credential(
        self,
        device_id: str,
        credential_id: str,
    ) -> None:
        """End one secret now and close the connection that may have used it.

        Needs `devices:enrol`.
        """
        self.call(
            "DELETE",
            f"/devices/{part(device_id)}/credentials/{part(credential_id)}",
        )

    def disable_device(
        self,
        device_id: str,
        *,
        reason: str | Unset = UNSET,
    ) -> t.DeviceAnswer:
        """Lock a device out at once.

        Needs `devices:write`.

        Why it is done, for the audit log.
        """
        found: t.DeviceAnswer = self.call(
            "POST",
            f"/devices/{part(device_id)}/disable",
            body={
                "reason": reason,
            },
        )
        return found

    def enable_device(
        self,
        device_id: str,
    ) -> t.DeviceAnswer:
        """Let a device in again.

        Needs `devices:write`.
        """
        found: t.DeviceAnswer = self.call(
            "POST",
            f"/devices/{part(device_id)}/enable",
        )
        return found

    def list_device_executions(
        self,
        device_id: str,
        *,
        cursor: str | None = None,
        limit: int | None = None,
        state: t.ExecutionState | None = None,
    ) -> t.Listed[t.ExecutionView]:
        """List what was asked of a device, newest first.

        Needs `commands:read`.
        """
        found: t.Listed[t.ExecutionView] = self.call(
            "GET",
            f"/devices/{part(device_id)}/executions",
            query={
                "cursor": cursor,
                "limit": limit,
                "state": state,
            },
        )
        return found

    def list_inventory(
        self,
        device_id: str,
    ) -> t.Listed[t.InventoryLine]:
        """List the components that a device says it has.

        Needs `devices:read`.
        """
        found: t.Listed[t.InventoryLine] = self.call(
            "GET",
            f"/devices/{part(device_id)}/inventory",
        )
        return found

    def get_ledger(
        self,
        device_id: str,
    ) -> t.LedgerView:
        """Get what a device sent, and what of it is stored, doubled, missing, quarantined.

        Needs `devices:read`.
        """
        found: t.LedgerView = self.call(
            "GET",
            f"/devices/{part(device_id)}/ledger",
        )
        return found

    def list_device_logs(
        self,
        device_id: str,
        *,
        cursor: str | None = None,
        limit: int | None = None,
        min_level: t.Level | None = None,
        text: str | None = None,
        logger: str | None = None,
        since: int | None = None,
        until: int | None = None,
        fingerprint: str | None = None,
        oldest_first: bool | None = None,
    ) -> t.Listed[t.LogView]:
        """Search a device's logs, newest first.

        Needs `logs:read`.
        """
        found: t.Listed[t.LogView] = self.call(
            "GET",
            f"/devices/{part(device_id)}/logs",
            query={
                "cursor": cursor,
                "limit": limit,
                "min_level": min_level,
                "text": text,
                "logger": logger,
                "since": since,
                "until": until,
                "fingerprint": fingerprint,
                "oldest_first": oldest_first,
            },
        )
        return found

    def get_presence(
        self,
        device_id: str,
    ) -> t.PresenceAnswer:
        """Get what is believed of a device's connection.

        Needs `devices:read`.
        """
        found: t.PresenceAnswer = self.call(
            "GET",
            f"/devices/{part(device_id)}/presence",
        )
        return found

    def get_settings(
        self,
        device_id: str,
    ) -> t.SettingsAnswer:
        """Get a device's settings.

        Needs `settings:read`.
        """
        found: t.SettingsAnswer = self.call(
            "GET",
            f"/devices/{part(device_id)}/settings",
        )
        return found

    def put_settings(
        self,
        device_id: str,
        *,
        desired: dict[str, Any],
        if_match: str | int | None = None,
    ) -> t.SettingsAnswer:
        """Say what is desired; a device that is away hears of it when it is back.

        Needs `settings:write`.

        What is desired, whole.
        """
        found: t.SettingsAnswer = self.call(
            "PUT",
            f"/devices/{part(device_id)}/settings",
            body={
                "desired": desired,
            },
            if_match=if_match,
        )
        return found

    def change_tags(
        self,
        device_id: str,
        *,
        add: dict[str, str] | Unset = UNSET,
        remove: list[str] | Unset = UNSET,
    ) -> t.DeviceAnswer:
        """Add some tags and take others away.

        Needs `devices:write`.

        Tags to add or change, and names of tags to take away; the rest stay.
        """
        found: t.DeviceAnswer = self.call(
            "POST",
            f"/devices/{part(device_id)}/tags",
            body={
                "add": add,
                "remove": remove,
            },
        )
        return found

    def list_latest(
        self,
        device_id: str,
    ) -> t.Listed[t.Latest]:
        """List the newest value of every metric of a device.

        Needs `telemetry:read`.
        """
        found: t.Listed[t.Latest] = self.call(
            "GET",
            f"/devices/{part(device_id)}/telemetry",
        )
        return found

    def get_history(
        self,
        device_id: str,
        *,
        metric: str,
        since: int | None = None,
        until: int | None = None,
        limit: int | None = None,
    ) -> t.History:
        """Get the values of a metric within a time.

        Needs `telemetry:read`.
        """
        found: t.History = self.call(
            "GET",
            f"/devices/{part(device_id)}/telemetry/history",
            query={
                "metric": metric,
                "since": since,
                "until": until,
                "limit": limit,
            },
        )
        return found

    def list_timeline(
        self,
        device_id: str,
        *,
        cursor: str | None = None,
        limit: int | None = None,
    ) -> t.Listed[t.TimelineLine]:
        """List what happened to a device, newest first: presence, acts of people, executions.

        Needs `devices:read`.
        """
        found: t.Listed[t.TimelineLine] = self.call(
            "GET",
            f"/devices/{part(device_id)}/timeline",
            query={
                "cursor": cursor,
                "limit": limit,
            },
        )
        return found

    def list_tokens(
        self,
    ) -> t.Listed[t.TokenAnswer]:
        """List the enrolment tokens of groups that you may enrol into, newest first.

        Needs `devices:enrol`.
        """
        found: t.Listed[t.TokenAnswer] = self.call(
            "GET",
            "/enrolment-tokens",
        )
        return found

    def create_token(
        self,
        *,
        name: str,
        profile: str,
        group_id: int,
        mode: Literal["allow_new", "pre_registered"] | Unset = UNSET,
        max_uses: int | Unset | None = UNSET,
        expires_at: int | Unset | None = UNSET,
        reenrol: bool | Unset = UNSET,
        idempotency_key: str | None = None,
    ) -> t.TokenMade:
        """Make an enrolment token.

        Needs `devices:enrol`.

        An enrolment token to be made.

        Attributes:
            mode: `pre_registered`: only devices that are registered; `allow_new`: others too.
            reenrol: a device that has a working secret may enrol again.
        """
        found: t.TokenMade = self.call(
            "POST",
            "/enrolment-tokens",
            body={
                "name": name,
                "profile": profile,
                "group_id": group_id,
                "mode": mode,
                "max_uses": max_uses,
                "expires_at": expires_at,
                "reenrol": reenrol,
            },
            idempotent=True,
            idempotency_key=idempotency_key,
        )
        return found

    def revoke_token(
        self,
        token_id: str,
    ) -> t.TokenAnswer:
        """End an enrolment token; devices that it let in stay.

        Needs `devices:enrol`.
        """
        found: t.TokenAnswer = self.call(
            "DELETE",
            f"/enrolment-tokens/{part(token_id)}",
        )
        return found

    def get_execution(
        self,
        execution_id: str,
    ) -> t.ExecutionView:
        """Get an execution.

        Needs `commands:read`.
        """
        found: t.ExecutionView = self.call(
            "GET",
            f"/executions/{part(execution_id)}",
        )
        return found

    def cancel_execution(
        self,
        execution_id: str,
        *,
        reason: str | Unset = UNSET,
    ) -> t.ExecutionView:
        """Cancel an execution; it ends when the device confirms, or by its ordinary limit.

        Needs `commands:run`.

        Why it is done, for the audit log.
        """
        found: t.ExecutionView = self.call(
            "POST",
            f"/executions/{part(execution_id)}/cancel",
            body={
                "reason": reason,
            },
        )
        return found

    def list_execution_events(
        self,
        execution_id: str,
    ) -> t.Listed[t.EventView]:
        """List the whole history of an execution, oldest first.

        Needs `commands:read`.
        """
        found: t.Listed[t.EventView] = self.call(
            "GET",
            f"/executions/{part(execution_id)}/events",
        )
        return found

    def retry_execution(
        self,
        execution_id: str,
        *,
        reason: str | Unset = UNSET,
        idempotency_key: str | None = None,
    ) -> t.ExecutionView:
        """Try again: a new execution of the same job and device.

        Needs `commands:run`.

        Why it is done, for the audit log.
        """
        found: t.ExecutionView = self.call(
            "POST",
            f"/executions/{part(execution_id)}/retry",
            body={
                "reason": reason,
            },
            idempotent=True,
            idempotency_key=idempotency_key,
        )
        return found

    def why_execution(
        self,
        execution_id: str,
    ) -> t.Why:
        """Say the first thing that holds it back now, or how it ended.

        Needs `commands:read`.
        """
        found: t.Why = self.call(
            "GET",
            f"/executions/{part(execution_id)}/why",
        )
        return found

    def count_devices(
        self,
        *,
        search: str | None = None,
        presence: list[t.PresenceState] | None = None,
        profile: str | None = None,
        group: int | None = None,
        tag: str | None = None,
        gateway: str | None = None,
        kind: Literal["child", "direct", "gateway"] | None = None,
        disabled: bool | None = None,
        sort: Literal["created", "device_id", "display_name", "last_seen", "since"] | None = None,
        descending: bool | None = None,
    ) -> t.PresenceCounts:
        """Count the devices of a filter by presence.

        Needs `devices:read`.
        """
        found: t.PresenceCounts = self.call(
            "GET",
            "/fleet/presence",
            query={
                "search": search,
                "presence": presence,
                "profile": profile,
                "group": group,
                "tag": tag,
                "gateway": gateway,
                "kind": kind,
                "disabled": disabled,
                "sort": sort,
                "descending": descending,
            },
        )
        return found

    def list_groups(
        self,
    ) -> t.Listed[t.GroupAnswer]:
        """List the groups that you may read, parents first.

        Needs `groups:read`.
        """
        found: t.Listed[t.GroupAnswer] = self.call(
            "GET",
            "/groups",
        )
        return found

    def create_group(
        self,
        *,
        name: str,
        parent_id: int | Unset = UNSET,
        idempotency_key: str | None = None,
    ) -> t.GroupAnswer:
        """Make a group inside another.

        Needs `groups:write`.

        A group to be made inside another; the root when no parent is named.
        """
        found: t.GroupAnswer = self.call(
            "POST",
            "/groups",
            body={
                "name": name,
                "parent_id": parent_id,
            },
            idempotent=True,
            idempotency_key=idempotency_key,
        )
        return found

    def delete_group(
        self,
        group_id: int,
    ) -> None:
        """Delete an empty group.

        Needs `groups:write`.
        """
        self.call(
            "DELETE",
            f"/groups/{part(group_id)}",
        )

    def get_group(
        self,
        group_id: int,
    ) -> t.GroupAnswer:
        """Get a group.

        Needs `groups:read`.
        """
        found: t.GroupAnswer = self.call(
            "GET",
            f"/groups/{part(group_id)}",
        )
        return found

    def update_group(
        self,
        group_id: int,
        *,
        name: str | Unset | None = UNSET,
        parent_id: int | Unset | None = UNSET,
        if_match: str | int | None = None,
    ) -> t.GroupAnswer:
        """Rename a group, or move it with all that is inside it. Rights follow the tree.

        Needs `groups:write`.

        What to change: the name, the parent, or both.
        """
        found: t.GroupAnswer = self.call(
            "PATCH",
            f"/groups/{part(group_id)}",
            body={
                "name": name,
                "parent_id": parent_id,
            },
            if_match=if_match,
        )
        return found

    def list_jobs(
        self,
        *,
        cursor: str | None = None,
        limit: int | None = None,
        state: list[t.JobState] | None = None,
        search: str | None = None,
        author_id: str | None = None,
        device_id: str | None = None,
        since: int | None = None,
        until: int | None = None,
    ) -> t.Listed[t.JobView]:
        """List jobs, newest first.

        Needs `commands:read`.
        """
        found: t.Listed[t.JobView] = self.call(
            "GET",
            "/jobs",
            query={
                "cursor": cursor,
                "limit": limit,
                "state": state,
                "search": search,
                "author_id": author_id,
                "device_id": device_id,
                "since": since,
                "until": until,
            },
        )
        return found

    def get_job(
        self,
        job_id: str,
    ) -> t.JobView:
        """Get a job with its progress.

        Needs `commands:read`.
        """
        found: t.JobView = self.call(
            "GET",
            f"/jobs/{part(job_id)}",
        )
        return found

    def cancel_job(
        self,
        job_id: str,
        *,
        reason: str | Unset = UNSET,
    ) -> t.JobView:
        """Cancel what is open of a job.

        Needs `commands:run`.

        Why it is done, for the audit log.
        """
        found: t.JobView = self.call(
            "POST",
            f"/jobs/{part(job_id)}/cancel",
            body={
                "reason": reason,
            },
        )
        return found

    def list_job_executions(
        self,
        job_id: str,
        *,
        cursor: str | None = None,
        limit: int | None = None,
        state: t.ExecutionState | None = None,
    ) -> t.Listed[t.ExecutionView]:
        """List the executions of a job, on the devices that you may read.

        Needs `commands:read`.
        """
        found: t.Listed[t.ExecutionView] = self.call(
            "GET",
            f"/jobs/{part(job_id)}/executions",
            query={
                "cursor": cursor,
                "limit": limit,
                "state": state,
            },
        )
        return found

    def pause_job(
        self,
        job_id: str,
        *,
        reason: str | Unset = UNSET,
    ) -> t.JobView:
        """Hand nothing more over until the job is resumed.

        Needs `commands:run`.

        Why it is done, for the audit log.
        """
        found: t.JobView = self.call(
            "POST",
            f"/jobs/{part(job_id)}/pause",
            body={
                "reason": reason,
            },
        )
        return found

    def resume_job(
        self,
        job_id: str,
        *,
        reason: str | Unset = UNSET,
    ) -> t.JobView:
        """Go on after a pause.

        Needs `commands:run`.

        Why it is done, for the audit log.
        """
        found: t.JobView = self.call(
            "POST",
            f"/jobs/{part(job_id)}/resume",
            body={
                "reason": reason,
            },
        )
        return found

    def retry_job(
        self,
        job_id: str,
        *,
        states: list[t.ExecutionState] | Unset | None = UNSET,
        reason: str | Unset = UNSET,
        idempotency_key: str | None = None,
    ) -> t.RetryAnswer:
        """Try again on the devices where the newest attempt ended unsuccessfully.

        Needs `commands:run`.

        Which ends to try again; null means all unsuccessful ones.
        """
        found: t.RetryAnswer = self.call(
            "POST",
            f"/jobs/{part(job_id)}/retry",
            body={
                "states": states,
                "reason": reason,
            },
            idempotent=True,
            idempotency_key=idempotency_key,
        )
        return found

    def search_logs(
        self,
        *,
        cursor: str | None = None,
        limit: int | None = None,
        min_level: t.Level | None = None,
        text: str | None = None,
        logger: str | None = None,
        since: int | None = None,
        until: int | None = None,
        fingerprint: str | None = None,
        oldest_first: bool | None = None,
        device_id: str | None = None,
        group: int | None = None,
    ) -> t.Listed[t.LogView]:
        """Search the logs of all devices that you may read, newest first.

        Needs `logs:read`.
        """
        found: t.Listed[t.LogView] = self.call(
            "GET",
            "/logs",
            query={
                "cursor": cursor,
                "limit": limit,
                "min_level": min_level,
                "text": text,
                "logger": logger,
                "since": since,
                "until": until,
                "fingerprint": fingerprint,
                "oldest_first": oldest_first,
                "device_id": device_id,
                "group": group,
            },
        )
        return found

    def get_log(
        self,
        record_id: str,
    ) -> t.LogView:
        """Get a log record.

        Needs `logs:read`.
        """
        found: t.LogView = self.call(
            "GET",
            f"/logs/{part(record_id)}",
        )
        return found

    def me(
        self,
    ) -> t.Me:
        """Say who the token speaks for."""
        found: t.Me = self.call(
            "GET",
            "/me",
        )
        return found

    def change_password(
        self,
        *,
        old: str,
        new: str,
    ) -> None:
        """Change one's own password; every session of the user has to sign in or refresh again.

        A user's old and new password.
        """
        self.call(
            "POST",
            "/me/password",
            body={
                "old": old,
                "new": new,
            },
        )

    def list_permissions(
        self,
    ) -> t.Listed[t.PermissionAnswer]:
        """List the permissions that there are, in words."""
        found: t.Listed[t.PermissionAnswer] = self.call(
            "GET",
            "/permissions",
        )
        return found

    def list_profiles(
        self,
    ) -> t.Listed[t.ProfileAnswer]:
        """List all profiles by name.

        Needs `profiles:read`.
        """
        found: t.Listed[t.ProfileAnswer] = self.call(
            "GET",
            "/profiles",
        )
        return found

    def create_profile(
        self,
        *,
        name: str,
        title: str | Unset = UNSET,
        contact: Literal["always", "periodic"] | Unset = UNSET,
        expect_every_s: int | Unset = UNSET,
        qos_down: int | Unset = UNSET,
        idempotency_key: str | None = None,
    ) -> t.ProfileAnswer:
        """Make a profile.

        Needs `profiles:write`.

        A profile to be made; the name never changes.
        """
        found: t.ProfileAnswer = self.call(
            "POST",
            "/profiles",
            body={
                "name": name,
                "title": title,
                "contact": contact,
                "expect_every_s": expect_every_s,
                "qos_down": qos_down,
            },
            idempotent=True,
            idempotency_key=idempotency_key,
        )
        return found

    def delete_profile(
        self,
        name: str,
    ) -> None:
        """Delete a profile that nothing uses.

        Needs `profiles:write`.
        """
        self.call(
            "DELETE",
            f"/profiles/{part(name)}",
        )

    def get_profile(
        self,
        name: str,
    ) -> t.ProfileAnswer:
        """Get a profile by its name.

        Needs `profiles:read`.
        """
        found: t.ProfileAnswer = self.call(
            "GET",
            f"/profiles/{part(name)}",
        )
        return found

    def update_profile(
        self,
        name: str,
        *,
        title: str | Unset | None = UNSET,
        contact: Literal["always", "periodic"] | Unset | None = UNSET,
        expect_every_s: int | Unset | None = UNSET,
        qos_down: int | Unset | None = UNSET,
        if_match: str | int | None = None,
    ) -> t.ProfileAnswer:
        """Change a profile; the presence of its devices is judged by it from then on.

        Needs `profiles:write`.

        What to change; null leaves it.
        """
        found: t.ProfileAnswer = self.call(
            "PATCH",
            f"/profiles/{part(name)}",
            body={
                "title": title,
                "contact": contact,
                "expect_every_s": expect_every_s,
                "qos_down": qos_down,
            },
            if_match=if_match,
        )
        return found

    def list_quarantine(
        self,
        *,
        cursor: str | None = None,
        limit: int | None = None,
        device_id: str | None = None,
        reason: str | None = None,
        since: int | None = None,
        until: int | None = None,
    ) -> t.Listed[t.QuarantineLine]:
        """List messages that could not be taken, newest first.

        Messages of unknown devices belong to no group and take system:read everywhere.

        Needs `logs:read`.
        """
        found: t.Listed[t.QuarantineLine] = self.call(
            "GET",
            "/quarantine",
            query={
                "cursor": cursor,
                "limit": limit,
                "device_id": device_id,
                "reason": reason,
                "since": since,
                "until": until,
            },
        )
        return found

    def get_quarantined(
        self,
        message_id: int,
    ) -> t.QuarantineMessage:
        """Get a message that could not be taken, with its bytes.

        Needs `logs:read`.
        """
        found: t.QuarantineMessage = self.call(
            "GET",
            f"/quarantine/{part(message_id)}",
        )
        return found

    def list_roles(
        self,
    ) -> t.Listed[t.RoleAnswer]:
        """List the roles with their permissions.

        Needs `roles:read`.
        """
        found: t.Listed[t.RoleAnswer] = self.call(
            "GET",
            "/roles",
        )
        return found

    def create_role(
        self,
        *,
        name: str,
        permissions: list[t.Permission],
        title: str | Unset = UNSET,
        description: str | Unset = UNSET,
        idempotency_key: str | None = None,
    ) -> t.RoleAnswer:
        """Make a role.

        Needs `roles:write`.

        A role to be made; the name never changes. Nobody can give permissions that they lack.
        """
        found: t.RoleAnswer = self.call(
            "POST",
            "/roles",
            body={
                "name": name,
                "permissions": permissions,
                "title": title,
                "description": description,
            },
            idempotent=True,
            idempotency_key=idempotency_key,
        )
        return found

    def delete_role(
        self,
        role_name: str,
    ) -> None:
        """Delete a role that nobody has.

        Needs `roles:write`.
        """
        self.call(
            "DELETE",
            f"/roles/{part(role_name)}",
        )

    def get_role(
        self,
        role_name: str,
    ) -> t.RoleAnswer:
        """Get a role by its name.

        Needs `roles:read`.
        """
        found: t.RoleAnswer = self.call(
            "GET",
            f"/roles/{part(role_name)}",
        )
        return found

    def update_role(
        self,
        role_name: str,
        *,
        permissions: list[t.Permission] | Unset | None = UNSET,
        title: str | Unset | None = UNSET,
        description: str | Unset | None = UNSET,
        if_match: str | int | None = None,
    ) -> t.RoleAnswer:
        """Change a role of your own making; it bites on the next request of whoever has it.

        Needs `roles:write`.

        What to change; null leaves it. `permissions` replaces them all.
        """
        found: t.RoleAnswer = self.call(
            "PATCH",
            f"/roles/{part(role_name)}",
            body={
                "permissions": permissions,
                "title": title,
                "description": description,
            },
            if_match=if_match,
        )
        return found

    def list_role_holders(
        self,
        role_name: str,
    ) -> t.Listed[t.RoleHolder]:
        """List who has a role, and where; needs roles:read, too.

        Needs `users:read`.
        """
        found: t.Listed[t.RoleHolder] = self.call(
            "GET",
            f"/roles/{part(role_name)}/holders",
        )
        return found

    def list_users(
        self,
        *,
        cursor: str | None = None,
        limit: int | None = None,
        search: str | None = None,
        role: str | None = None,
        disabled: bool | None = None,
    ) -> t.Listed[t.UserAnswer]:
        """List the users by e-mail address.

        Needs `users:read`.
        """
        found: t.Listed[t.UserAnswer] = self.call(
            "GET",
            "/users",
            query={
                "cursor": cursor,
                "limit": limit,
                "search": search,
                "role": role,
                "disabled": disabled,
            },
        )
        return found

    def create_user(
        self,
        *,
        email: str,
        name: str | Unset = UNSET,
        password: str | Unset | None = UNSET,
        idempotency_key: str | None = None,
    ) -> t.UserMade:
        """Make a user, without any rights yet.

        Needs `users:write`.

        A user to be made; without a password a one-time password is made.
        """
        found: t.UserMade = self.call(
            "POST",
            "/users",
            body={
                "email": email,
                "name": name,
                "password": password,
            },
            idempotent=True,
            idempotency_key=idempotency_key,
        )
        return found

    def get_user(
        self,
        user_id: str,
    ) -> t.UserAnswer:
        """Get a user; everyone may get themselves.

        Needs `users:read`.
        """
        found: t.UserAnswer = self.call(
            "GET",
            f"/users/{part(user_id)}",
        )
        return found

    def update_user(
        self,
        user_id: str,
        *,
        name: str,
        if_match: str | int | None = None,
    ) -> t.UserAnswer:
        """Change the name that is shown.

        Needs `users:write`.

        What can be changed of a user.
        """
        found: t.UserAnswer = self.call(
            "PATCH",
            f"/users/{part(user_id)}",
            body={
                "name": name,
            },
            if_match=if_match,
        )
        return found

    def list_bindings(
        self,
        user_id: str,
    ) -> t.Listed[t.BindingAnswer]:
        """List the roles of a user; everyone may list their own.

        Needs `users:read`.
        """
        found: t.Listed[t.BindingAnswer] = self.call(
            "GET",
            f"/users/{part(user_id)}/bindings",
        )
        return found

    def create_binding(
        self,
        user_id: str,
        *,
        role: str,
        group_id: int | Unset | None = UNSET,
        idempotency_key: str | None = None,
    ) -> t.BindingAnswer:
        """Give a user a role; nobody can give permissions that they lack.

        Needs `users:write`.

        A role to give, on a group and those inside it, or everywhere (null).
        """
        found: t.BindingAnswer = self.call(
            "POST",
            f"/users/{part(user_id)}/bindings",
            body={
                "role": role,
                "group_id": group_id,
            },
            idempotent=True,
            idempotency_key=idempotency_key,
        )
        return found

    def disable_user(
        self,
        user_id: str,
    ) -> t.UserAnswer:
        """Lock a user out at once.

        Needs `users:write`.
        """
        found: t.UserAnswer = self.call(
            "POST",
            f"/users/{part(user_id)}/disable",
        )
        return found

    def enable_user(
        self,
        user_id: str,
    ) -> t.UserAnswer:
        """Let a user in again.

        Needs `users:write`.
        """
        found: t.UserAnswer = self.call(
            "POST",
            f"/users/{part(user_id)}/enable",
        )
        return found

    def set_password(
        self,
        user_id: str,
        *,
        password: str | Unset | None = UNSET,
    ) -> t.PasswordMade:
        """Give a user another password and end all its sign-ins.

        Needs `users:write`.

        Another password for a user; null makes a one-time password.
        """
        found: t.PasswordMade = self.call(
            "POST",
            f"/users/{part(user_id)}/password",
            body={
                "password": password,
            },
        )
        return found

    def sign_out_user(
        self,
        user_id: str,
    ) -> None:
        """End all sign-ins of a user; everyone may do it to themselves.

        Needs `users:write`.
        """
        self.call(
            "POST",
            f"/users/{part(user_id)}/sign-out",
        )
