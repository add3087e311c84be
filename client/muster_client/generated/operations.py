"""One method for each operation of the API.

Generated from docs/api/openapi.json by `make docs`; changes here are lost.
"""

from typing import Any, Literal

from muster_client.core import Caller, Lines, part
from muster_client.generated import types as t
from muster_client.unset import UNSET, Unset


class Operations(Caller):
    """Every operation, by its operationId."""

    def review_access(
        self,
        *,
        cursor: str | None = None,
        limit: int | None = None,
        permission: t.Permission | None = None,
        group: int | None = None,
        search: str | None = None,
    ) -> t.Listed[t.ReviewAnswer]:
        """List people with their roles, sign-ins, second factor and tokens.

        Needs `users:read`.
        """
        found: t.Listed[t.ReviewAnswer] = self.call(
            "GET",
            "/access/review",
            query={
                "cursor": cursor,
                "limit": limit,
                "permission": permission,
                "group": group,
                "search": search,
            },
        )
        return found

    def export_access_review(
        self,
        *,
        permission: t.Permission | None = None,
        group: int | None = None,
        search: str | None = None,
    ) -> Lines:
        """Export the access review: one line for each role of each person.

        Needs `users:read`.
        """
        found: Lines = self.call(
            "GET",
            "/access/review.csv",
            query={
                "permission": permission,
                "group": group,
                "search": search,
            },
            lines=True,
        )
        return found

    def why_access(
        self,
        *,
        permission: t.Permission,
        user: str | None = None,
        token: str | None = None,
        group: int | None = None,
        device: str | None = None,
    ) -> t.WhyAnswer:
        """Say why somebody may or may not do something; about others it needs users:read."""
        found: t.WhyAnswer = self.call(
            "GET",
            "/access/why",
            query={
                "permission": permission,
                "user": user,
                "token": token,
                "group": group,
                "device": device,
            },
        )
        return found

    def get_adoption(
        self,
    ) -> t.Listed[t.AdoptionAnswer]:
        """Say how far the devices are towards the newest published releases.

        Needs `releases:read`.
        """
        found: t.Listed[t.AdoptionAnswer] = self.call(
            "GET",
            "/adoption",
        )
        return found

    def list_alarms(
        self,
        *,
        state: list[t.AlarmState] | None = None,
        severity: list[t.Severity] | None = None,
        text: str | None = None,
        rule: str | None = None,
        device_id: str | None = None,
        group: int | None = None,
        subject_kind: str | None = None,
        subject_id: str | None = None,
        assignee: str | None = None,
        since: int | None = None,
        hidden: bool | None = None,
        cursor: str | None = None,
        limit: int | None = None,
    ) -> t.Listed[t.AlarmView]:
        """List alarms, the newest raised first.

        Needs `alarms:read`.
        """
        found: t.Listed[t.AlarmView] = self.call(
            "GET",
            "/alarms",
            query={
                "state": state,
                "severity": severity,
                "text": text,
                "rule": rule,
                "device_id": device_id,
                "group": group,
                "subject_kind": subject_kind,
                "subject_id": subject_id,
                "assignee": assignee,
                "since": since,
                "hidden": hidden,
                "cursor": cursor,
                "limit": limit,
            },
        )
        return found

    def export_alarms(
        self,
        *,
        state: list[t.AlarmState] | None = None,
        severity: list[t.Severity] | None = None,
        text: str | None = None,
        rule: str | None = None,
        device_id: str | None = None,
        group: int | None = None,
        subject_kind: str | None = None,
        subject_id: str | None = None,
        assignee: str | None = None,
        since: int | None = None,
        hidden: bool | None = None,
    ) -> Lines:
        """Export alarms as CSV; no cell is a formula.

        Needs `alarms:read`.

        Args:
            state: any of these.
            severity: any of these.
            text: words that all occur in the title.
            rule: id of a rule.
            subject_kind: about this: device, group, fingerprint, job, part, profile.
            subject_id: about this: device, group, fingerprint, job, part, profile.
            assignee: id of a user; "" for those of nobody.
            since: raised since then.
            hidden: with those that another alarm explains.
        """
        found: Lines = self.call(
            "GET",
            "/alarms.csv",
            query={
                "state": state,
                "severity": severity,
                "text": text,
                "rule": rule,
                "device_id": device_id,
                "group": group,
                "subject_kind": subject_kind,
                "subject_id": subject_id,
                "assignee": assignee,
                "since": since,
                "hidden": hidden,
            },
            lines=True,
        )
        return found

    def count_alarms(
        self,
    ) -> t.AlarmCounts:
        """Count the open alarms by severity; those that another explains are left out.

        Needs `alarms:read`.
        """
        found: t.AlarmCounts = self.call(
            "GET",
            "/alarms/counts",
        )
        return found

    def get_alarm(
        self,
        alarm_id: str,
    ) -> t.AlarmView:
        """Show an alarm with its evidence.

        Needs `alarms:read`.
        """
        found: t.AlarmView = self.call(
            "GET",
            f"/alarms/{part(alarm_id)}",
        )
        return found

    def assign_alarm(
        self,
        alarm_id: str,
        *,
        assignee_id: str | Unset | None = UNSET,
        if_match: str | int | None = None,
    ) -> t.AlarmView:
        """Say whose it is.

        Needs `alarms:acknowledge`.

        Whose it is: id of a user, null for nobody.
        """
        found: t.AlarmView = self.call(
            "PATCH",
            f"/alarms/{part(alarm_id)}",
            body={
                "assignee_id": assignee_id,
            },
            if_match=if_match,
        )
        return found

    def acknowledge_alarm(
        self,
        alarm_id: str,
        *,
        comment: str | Unset = UNSET,
        if_match: str | int | None = None,
    ) -> t.AlarmView:
        """Take note of an alarm: nobody is reminded any more.

        Needs `alarms:acknowledge`.

        What to say along with it; may stay empty.
        """
        found: t.AlarmView = self.call(
            "POST",
            f"/alarms/{part(alarm_id)}/acknowledge",
            body={
                "comment": comment,
            },
            if_match=if_match,
        )
        return found

    def comment_alarm(
        self,
        alarm_id: str,
        *,
        text: str,
    ) -> t.AlarmView:
        """Write a comment.

        Needs `alarms:acknowledge`.

        A comment.
        """
        found: t.AlarmView = self.call(
            "POST",
            f"/alarms/{part(alarm_id)}/comments",
            body={
                "text": text,
            },
        )
        return found

    def list_alarm_events(
        self,
        alarm_id: str,
    ) -> t.Listed[t.AlarmEventView]:
        """List what became of an alarm, newest first.

        Needs `alarms:read`.
        """
        found: t.Listed[t.AlarmEventView] = self.call(
            "GET",
            f"/alarms/{part(alarm_id)}/events",
        )
        return found

    def resolve_alarm(
        self,
        alarm_id: str,
        *,
        reason: str,
        if_match: str | int | None = None,
    ) -> t.AlarmView:
        """Close an alarm by hand; it is raised again only after its condition has ended once.

        Needs `alarms:acknowledge`.

        Why it is closed by hand.
        """
        found: t.AlarmView = self.call(
            "POST",
            f"/alarms/{part(alarm_id)}/resolve",
            body={
                "reason": reason,
            },
            if_match=if_match,
        )
        return found

    def unacknowledge_alarm(
        self,
        alarm_id: str,
        *,
        comment: str | Unset = UNSET,
        if_match: str | int | None = None,
    ) -> t.AlarmView:
        """Take the note back: people are reminded again.

        Needs `alarms:acknowledge`.

        What to say along with it; may stay empty.
        """
        found: t.AlarmView = self.call(
            "POST",
            f"/alarms/{part(alarm_id)}/unacknowledge",
            body={
                "comment": comment,
            },
            if_match=if_match,
        )
        return found

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
        user_id: str | Unset | None = UNSET,
        idempotency_key: str | None = None,
    ) -> t.ApiTokenMade:
        """Make an API token of your own; send it as `Authorization: Bearer mst_…`.

        Asks a person for the password again when that is longer ago than `fresh_sign_in_s`: 403
        `fresh_sign_in_required`, see POST /auth/fresh.

        A token of your own to be made.

        Args:
            scopes: what it may do: never more than you may yourself, now or later.
            days: how long it works.
            user_id: only for the command line on the machine itself, which has no user of its
                own: whose token it is to be.
        """
        found: t.ApiTokenMade = self.call(
            "POST",
            "/api-tokens",
            body={
                "name": name,
                "scopes": scopes,
                "days": days,
                "user_id": user_id,
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
        actor_id: str | None = None,
        actor: str | None = None,
        action: str | None = None,
        subject_kind: str | None = None,
        subject_id: str | None = None,
        subject: str | None = None,
        since: int | None = None,
        until: int | None = None,
        text: str | None = None,
        cursor: str | None = None,
        limit: int | None = None,
    ) -> t.Listed[t.AuditEntryAnswer]:
        """List entries of the audit log, newest first.

        Needs `audit:read`.
        """
        found: t.Listed[t.AuditEntryAnswer] = self.call(
            "GET",
            "/audit",
            query={
                "actor_id": actor_id,
                "actor": actor,
                "action": action,
                "subject_kind": subject_kind,
                "subject_id": subject_id,
                "subject": subject,
                "since": since,
                "until": until,
                "text": text,
                "cursor": cursor,
                "limit": limit,
            },
        )
        return found

    def export_audit(
        self,
        *,
        actor_id: str | None = None,
        actor: str | None = None,
        action: str | None = None,
        subject_kind: str | None = None,
        subject_id: str | None = None,
        subject: str | None = None,
        since: int | None = None,
        until: int | None = None,
        text: str | None = None,
    ) -> Lines:
        """Export entries as CSV, newest first; no cell is a formula.

        Ends after the setting `export_rows_max`.

        Needs `audit:read`.

        Args:
            actor: part of the actor's name, or its id.
            action: one action (`device.delete`), or all of a kind (`device.`).
            subject: part of the subject's name, or its id.
            since: from then on; until: before then.
            text: stands somewhere in names, action, reason, request id, before or after.
        """
        found: Lines = self.call(
            "GET",
            "/audit.csv",
            query={
                "actor_id": actor_id,
                "actor": actor,
                "action": action,
                "subject_kind": subject_kind,
                "subject_id": subject_id,
                "subject": subject,
                "since": since,
                "until": until,
                "text": text,
            },
            lines=True,
        )
        return found

    def export_audit_lines(
        self,
        *,
        actor_id: str | None = None,
        actor: str | None = None,
        action: str | None = None,
        subject_kind: str | None = None,
        subject_id: str | None = None,
        subject: str | None = None,
        since: int | None = None,
        until: int | None = None,
        text: str | None = None,
    ) -> Lines:
        """Export entries as JSON, one a line, newest first; ends likewise.

        Needs `audit:read`.

        Args:
            actor: part of the actor's name, or its id.
            action: one action (`device.delete`), or all of a kind (`device.`).
            subject: part of the subject's name, or its id.
            since: from then on; until: before then.
            text: stands somewhere in names, action, reason, request id, before or after.
        """
        found: Lines = self.call(
            "GET",
            "/audit.jsonl",
            query={
                "actor_id": actor_id,
                "actor": actor,
                "action": action,
                "subject_kind": subject_kind,
                "subject_id": subject_id,
                "subject": subject,
                "since": since,
                "until": until,
                "text": text,
            },
            lines=True,
        )
        return found

    def get_audit_head(
        self,
    ) -> t.AuditHeadAnswer:
        """Show the head of the chain, to be kept elsewhere, and what the worker last found.

        Needs `audit:read`.
        """
        found: t.AuditHeadAnswer = self.call(
            "GET",
            "/audit/head",
        )
        return found

    def verify_audit(
        self,
        *,
        after: int | None = None,
        hash: str | None = None,
        limit: int | None = None,
    ) -> t.VerifiedAnswer:
        """Walk a part of the chain and name the first entry that is not as it was written.

        Needs `audit:read`.

        Args:
            after: number of an entry that is known to be right; with its hash.
            limit: entries to go through at most.
        """
        found: t.VerifiedAnswer = self.call(
            "GET",
            "/audit/verify",
            query={
                "after": after,
                "hash": hash,
                "limit": limit,
            },
        )
        return found

    def get_audit_entry(
        self,
        number: int,
    ) -> t.AuditEntryAnswer:
        """Show one entry.

        Needs `audit:read`.
        """
        found: t.AuditEntryAnswer = self.call(
            "GET",
            f"/audit/{part(number)}",
        )
        return found

    def forgot_password(
        self,
        *,
        email: str,
    ) -> None:
        """Mail a link to choose a new password; the answer is the same whoever has the address.

        Whose password was forgotten.
        """
        self.call(
            "POST",
            "/auth/forgot",
            body={
                "email": email,
            },
            signed_in=False,
        )

    def confirm_sign_in(
        self,
        *,
        password: str,
        code: str | Unset = UNSET,
    ) -> t.FreshToken:
        """Give one's password again; what is sensitive asks for that
        (`fresh_sign_in_required`).

        One's password again, and a code where there is a second factor.
        """
        found: t.FreshToken = self.call(
            "POST",
            "/auth/fresh",
            body={
                "password": password,
                "code": code,
            },
        )
        return found

    def use_link(
        self,
        *,
        token: str,
        password: str,
    ) -> t.SignInAnswer:
        """Set the password by a link that was mailed, and sign in; each link works once.

        What stands in a mailed link behind `/admin/link/`, and the password to set.
        """
        found: t.SignInAnswer = self.call(
            "POST",
            "/auth/link",
            body={
                "token": token,
                "password": password,
            },
            signed_in=False,
        )
        return found

    def give_second_factor(
        self,
        *,
        challenge: str,
        code: str,
    ) -> t.Tokens:
        """Complete a sign-in with a code of the authenticator app, or a recovery code.

        The code that a challenge asks for.

        Args:
            code: Of the app, or a recovery code.
        """
        found: t.Tokens = self.call(
            "POST",
            "/auth/second-factor",
            body={
                "challenge": challenge,
                "code": code,
            },
            signed_in=False,
        )
        return found

    def sign_in(
        self,
        *,
        email: str,
        password: str,
    ) -> t.SignInAnswer:
        """Sign in with e-mail address and password.

        E-mail address and password of a user.
        """
        found: t.SignInAnswer = self.call(
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

        Asks a person for the password again when that is longer ago than `fresh_sign_in_s`: 403
        `fresh_sign_in_required`, see POST /auth/fresh.
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

        Args:
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

        Args:
            args: of move `{"group": id}`, of tag `{"add": {name: value}, "remove": [names]}`,
                else none.
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

    def list_deleted(
        self,
        *,
        cursor: str | None = None,
        limit: int | None = None,
        search: str | None = None,
    ) -> t.Listed[t.DeletedAnswer]:
        """List deleted devices that can be restored, the latest first.

        Needs `devices:delete`.
        """
        found: t.Listed[t.DeletedAnswer] = self.call(
            "GET",
            "/deleted-devices",
            query={
                "cursor": cursor,
                "limit": limit,
                "search": search,
            },
        )
        return found

    def purge_device(
        self,
        device_key: int,
        *,
        reason: str | Unset = UNSET,
    ) -> None:
        """Have a deleted device's data purged now, in the background.

        Needs `devices:delete`.

        Asks a person for the password again when that is longer ago than `fresh_sign_in_s`: 403
        `fresh_sign_in_required`, see POST /auth/fresh.

        Why it is done, for the audit log.
        """
        self.call(
            "POST",
            f"/deleted-devices/{part(device_key)}/purge",
            body={
                "reason": reason,
            },
        )

    def restore_device(
        self,
        device_key: int,
        *,
        reason: str | Unset = UNSET,
    ) -> t.DeviceAnswer:
        """Bring a device back with group, tags, settings and data; it needs a new secret.

        Needs `devices:delete`.

        Why it is done, for the audit log.
        """
        found: t.DeviceAnswer = self.call(
            "POST",
            f"/deleted-devices/{part(device_key)}/restore",
            body={
                "reason": reason,
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
        attributes: dict[str, Any] | Unset = UNSET,
    ) -> t.Enrolled:
        """Exchange an enrolment token for the device's own secret.

        A device asks for its secret.

        Args:
            token: an enrolment token.
            install_id: of this installation; the same again soon replaces a lost answer.
            profile: what the device takes itself for; refused where the token is for another.
            attributes: what it tells of itself; shown to the person who approves.
        """
        found: t.Enrolled = self.call(
            "POST",
            "/device/enrol",
            body={
                "token": token,
                "device_id": device_id,
                "install_id": install_id,
                "profile": profile,
                "attributes": attributes,
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
        """Export the devices of a filter as CSV, as an import reads it; no cell is a formula.

        Ends after the setting `export_rows_max`.

        Needs `devices:read`.

        Args:
            search: words that all occur in id or display name.
            presence: any of these; may be given several times.
            group: id of a group: its devices and those of groups inside it.
            tag: `name` or `name=value`.
            gateway: its children.
            kind: gateways with children, children, or those that connect by themselves.
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

    def import_devices(
        self,
        *,
        csv: str,
        apply: bool | Unset = UNSET,
        update_existing: bool | Unset = UNSET,
        make_secrets: bool | Unset = UNSET,
        group_id: int | Unset | None = UNSET,
    ) -> t.ImportAnswer:
        """Plan the import of a list of devices, or do it: all lines, or none.

        With `apply` and an invalid line nothing is done; `applied` is false and the lines say
        why.

        Needs `devices:enrol`.

        A list of devices, and what to do with it.

        Args:
            csv: its text; columns device_id, profile, group, display_name, tags, gateway.
            apply: do it, all or nothing; false: say what would be done.
            update_existing: devices that are registered already are changed.
            make_secrets: new devices get a secret, shown in this answer and never again.
            group_id: home of new devices whose line names no group.
        """
        found: t.ImportAnswer = self.call(
            "POST",
            "/devices/import",
            body={
                "csv": csv,
                "apply": apply,
                "update_existing": update_existing,
                "make_secrets": make_secrets,
                "group_id": group_id,
            },
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

        The same id registered again is another device and inherits nothing. Purging asks a
        person for
        a fresh sign-in, see POST /auth/fresh.

        Needs `devices:delete`.

        Args:
            purge: delete its data now, too; it cannot be restored.
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

    def capture_messages(
        self,
        device_id: str,
        *,
        seconds: int | Unset = UNSET,
    ) -> t.CaptureAnswer:
        """Keep every message of a device as it comes, for a time.

        Needs `devices:write`.

        For how long every message is kept as it comes; 0 ends it.
        """
        found: t.CaptureAnswer = self.call(
            "POST",
            f"/devices/{part(device_id)}/capture",
            body={
                "seconds": seconds,
            },
        )
        return found

    def list_children(
        self,
        device_id: str,
        *,
        cursor: str | None = None,
        limit: int | None = None,
    ) -> t.Listed[t.DeviceAnswer]:
        """List the children of a gateway that you may read, with their presence.

        Needs `devices:read`.
        """
        found: t.Listed[t.DeviceAnswer] = self.call(
            "GET",
            f"/devices/{part(device_id)}/children",
            query={
                "cursor": cursor,
                "limit": limit,
            },
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

        Args:
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

    def detach_device(
        self,
        device_id: str,
        *,
        reason: str | None = None,
    ) -> t.DeviceAnswer:
        """Make a child a device of its own; it needs a secret to connect.

        Needs `devices:enrol`.
        """
        found: t.DeviceAnswer = self.call(
            "DELETE",
            f"/devices/{part(device_id)}/gateway",
            query={
                "reason": reason,
            },
        )
        return found

    def attach_device(
        self,
        device_id: str,
        *,
        gateway: str,
        reason: str | Unset = UNSET,
    ) -> t.DeviceAnswer:
        """Make a device the child of a gateway, or move it from another one.

        A device that connected by itself loses its secrets: a child has none.

        Needs `devices:enrol`.

        The gateway that is to speak for a device, and why.
        """
        found: t.DeviceAnswer = self.call(
            "PUT",
            f"/devices/{part(device_id)}/gateway",
            body={
                "gateway": gateway,
                "reason": reason,
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
        text: str | None = None,
        level: list[t.Level] | None = None,
        min_level: t.Level | None = None,
        logger: str | None = None,
        exception_type: str | None = None,
        fingerprint: str | None = None,
        log_session: str | None = None,
        field: list[str] | None = None,
        since: int | None = None,
        until: int | None = None,
        oldest_first: bool | None = None,
        cursor: str | None = None,
        limit: int | None = None,
    ) -> t.FoundLogs:
        """Search a device's logs, newest first.

        Needs `logs:read`.
        """
        found: t.FoundLogs = self.call(
            "GET",
            f"/devices/{part(device_id)}/logs",
            query={
                "text": text,
                "level": level,
                "min_level": min_level,
                "logger": logger,
                "exception_type": exception_type,
                "fingerprint": fingerprint,
                "log_session": log_session,
                "field": field,
                "since": since,
                "until": until,
                "oldest_first": oldest_first,
                "cursor": cursor,
                "limit": limit,
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

    def list_raw(
        self,
        device_id: str,
        *,
        cursor: str | None = None,
        limit: int | None = None,
        channel: str | None = None,
    ) -> t.Listed[t.RawLine]:
        """List raw messages of a device, newest first.

        Those on an integrator's own channels are always there; the others while they are
        captured.

        Needs `logs:read`.
        """
        found: t.Listed[t.RawLine] = self.call(
            "GET",
            f"/devices/{part(device_id)}/raw",
            query={
                "cursor": cursor,
                "limit": limit,
                "channel": channel,
            },
        )
        return found

    def get_settings(
        self,
        device_id: str,
    ) -> t.SettingsAnswer:
        """Get a device's settings: desired, reported, and how each key stands.

        Needs `settings:read`.
        """
        found: t.SettingsAnswer = self.call(
            "GET",
            f"/devices/{part(device_id)}/settings",
        )
        return found

    def patch_settings(
        self,
        device_id: str,
        *,
        desired: dict[str, Any],
        if_match: str | int | None = None,
    ) -> t.SettingsAnswer:
        """Change some keys of this device alone; null makes a key inherited again.

        Needs `settings:write`.

        A JSON merge patch (RFC 7396) of the same: null takes a key out of this layer.
        """
        found: t.SettingsAnswer = self.call(
            "PATCH",
            f"/devices/{part(device_id)}/settings",
            body={
                "desired": desired,
            },
            if_match=if_match,
        )
        return found

    def put_settings(
        self,
        device_id: str,
        *,
        desired: dict[str, Any],
        if_match: str | int | None = None,
    ) -> t.SettingsAnswer:
        """Say what is desired of this device alone; it hears of it when it is reached.

        Needs `settings:write`.

        What is desired in this layer, whole: a key that is left out is inherited.
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

    def export_telemetry(
        self,
        device_id: str,
        *,
        metric: list[str] | None = None,
        since: int | None = None,
        until: int | None = None,
    ) -> Lines:
        """Export values as they were sent as CSV, oldest first; no cell is a formula.

        Ends after the setting `export_rows_max`.

        Needs `telemetry:read`.
        """
        found: Lines = self.call(
            "GET",
            f"/devices/{part(device_id)}/telemetry.csv",
            query={
                "metric": metric,
                "since": since,
                "until": until,
            },
            lines=True,
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
        points: int | None = None,
    ) -> t.History:
        """Get the values of a metric within a time: the newest, or gathered into buckets.

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
                "points": points,
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

    def list_requests(
        self,
        *,
        cursor: str | None = None,
        limit: int | None = None,
        state: Literal["APPROVED", "EXPIRED", "PENDING", "REJECTED"] | None = None,
    ) -> t.Listed[t.RequestAnswer]:
        """List devices that asked to be let in, newest first.

        Needs `devices:enrol`.
        """
        found: t.Listed[t.RequestAnswer] = self.call(
            "GET",
            "/enrolment-requests",
            query={
                "cursor": cursor,
                "limit": limit,
                "state": state,
            },
        )
        return found

    def approve_requests(
        self,
        *,
        requests: list[str],
        group_id: int | Unset | None = UNSET,
        display_name: str | Unset = UNSET,
        reason: str | Unset = UNSET,
    ) -> t.Listed[t.RequestAnswer]:
        """Let devices in; each gets its secret when it asks again.

        Needs `devices:enrol`.

        Which devices to let in, all or none.

        Args:
            group_id: home of those not registered yet, inside the token's group.
            display_name: for a single one.
        """
        found: t.Listed[t.RequestAnswer] = self.call(
            "POST",
            "/enrolment-requests/approve",
            body={
                "requests": requests,
                "group_id": group_id,
                "display_name": display_name,
                "reason": reason,
            },
        )
        return found

    def reject_requests(
        self,
        *,
        requests: list[str],
        reason: str | Unset = UNSET,
    ) -> t.Listed[t.RequestAnswer]:
        """Refuse devices; approving them later undoes it.

        Needs `devices:enrol`.

        Which devices to refuse, and why: they are told so.
        """
        found: t.Listed[t.RequestAnswer] = self.call(
            "POST",
            "/enrolment-requests/reject",
            body={
                "requests": requests,
                "reason": reason,
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
        mode: Literal["allow_new", "approve", "pre_registered"] | Unset = UNSET,
        max_uses: int | Unset | None = UNSET,
        expires_at: int | Unset | None = UNSET,
        reenrol: bool | Unset = UNSET,
        idempotency_key: str | None = None,
    ) -> t.TokenMade:
        """Make an enrolment token.

        Needs `devices:enrol`.

        An enrolment token to be made.

        Args:
            mode: `pre_registered`: only devices that are registered; `allow_new`: others too;
                `approve`: a person decides on each.
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

    def find_anything(
        self,
        *,
        text: str,
        limit: int | None = None,
    ) -> t.Listed[t.Hit]:
        """Find devices, people, jobs, releases and groups by name, as far as one may see them."""
        found: t.Listed[t.Hit] = self.call(
            "GET",
            "/find",
            query={
                "text": text,
                "limit": limit,
            },
        )
        return found

    def list_fingerprints(
        self,
        *,
        state: list[t.FingerprintState] | None = None,
        text: str | None = None,
        device_id: str | None = None,
        group: int | None = None,
        version: str | None = None,
        assignee: str | None = None,
        since: int | None = None,
        new_since: int | None = None,
        sort: str | None = None,
        descending: bool | None = None,
        cursor: str | None = None,
        limit: int | None = None,
    ) -> t.Listed[t.FingerprintView]:
        """List faults, the latest first; counted over the devices whose logs you may read.

        Needs `logs:read`.
        """
        found: t.Listed[t.FingerprintView] = self.call(
            "GET",
            "/fingerprints",
            query={
                "state": state,
                "text": text,
                "device_id": device_id,
                "group": group,
                "version": version,
                "assignee": assignee,
                "since": since,
                "new_since": new_since,
                "sort": sort,
                "descending": descending,
                "cursor": cursor,
                "limit": limit,
            },
        )
        return found

    def export_fingerprints(
        self,
        *,
        state: list[t.FingerprintState] | None = None,
        text: str | None = None,
        device_id: str | None = None,
        group: int | None = None,
        version: str | None = None,
        assignee: str | None = None,
        since: int | None = None,
        new_since: int | None = None,
        sort: str | None = None,
        descending: bool | None = None,
    ) -> Lines:
        """Export faults as CSV; no cell is a formula. Ends after the setting `export_rows_max`.

        Needs `logs:read`.

        Args:
            state: any of these.
            text: words that all occur in the title.
            version: of the app, that it was seen in.
            assignee: id of a user; "" for those of nobody.
            since: seen since then; new_since: seen first since then.
            sort: last_seen, first_seen, count or devices.
        """
        found: Lines = self.call(
            "GET",
            "/fingerprints.csv",
            query={
                "state": state,
                "text": text,
                "device_id": device_id,
                "group": group,
                "version": version,
                "assignee": assignee,
                "since": since,
                "new_since": new_since,
                "sort": sort,
                "descending": descending,
            },
            lines=True,
        )
        return found

    def get_fingerprint(
        self,
        fingerprint: str,
    ) -> t.FingerprintAnswer:
        """Show a fault with its versions and its trend.

        Needs `logs:read`.
        """
        found: t.FingerprintAnswer = self.call(
            "GET",
            f"/fingerprints/{part(fingerprint)}",
        )
        return found

    def update_fingerprint(
        self,
        fingerprint: str,
        *,
        state: t.FingerprintState | Unset = UNSET,
        resolved_in: str | Unset = UNSET,
        assignee_id: str | Unset | None = UNSET,
        note: str | Unset = UNSET,
        reason: str | Unset = UNSET,
        if_match: str | int | None = None,
    ) -> t.FingerprintView:
        """Assign, resolve, ignore, open again, note; needs the permission wherever it was seen.

        Needs `logs:write`.

        What to change; what is left out stays.

        Args:
            state: OPEN, RESOLVED or IGNORED.
            resolved_in: version of the app that no longer has it; only with RESOLVED.
            assignee_id: id of a user, null for nobody.
            note: read by everybody who sees the fingerprint.
        """
        found: t.FingerprintView = self.call(
            "PATCH",
            f"/fingerprints/{part(fingerprint)}",
            body={
                "state": state,
                "resolved_in": resolved_in,
                "assignee_id": assignee_id,
                "note": note,
                "reason": reason,
            },
            if_match=if_match,
        )
        return found

    def list_fingerprint_acts(
        self,
        fingerprint: str,
    ) -> t.Listed[t.ActView]:
        """List what was done to a fault, newest first.

        Needs `logs:read`.
        """
        found: t.Listed[t.ActView] = self.call(
            "GET",
            f"/fingerprints/{part(fingerprint)}/acts",
        )
        return found

    def list_fingerprint_devices(
        self,
        fingerprint: str,
        *,
        cursor: str | None = None,
        limit: int | None = None,
    ) -> t.Listed[t.OnDevice]:
        """List the devices that a fault was seen on, the latest first.

        Needs `logs:read`.
        """
        found: t.Listed[t.OnDevice] = self.call(
            "GET",
            f"/fingerprints/{part(fingerprint)}/devices",
            query={
                "cursor": cursor,
                "limit": limit,
            },
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

        Args:
            search: words that all occur in id or display name.
            presence: any of these; may be given several times.
            group: id of a group: its devices and those of groups inside it.
            tag: `name` or `name=value`.
            gateway: its children.
            kind: gateways with children, children, or those that connect by themselves.
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

    def get_group_settings(
        self,
        group_id: int,
    ) -> t.LayerView:
        """Get what is desired of all devices in a group and inside it.

        Needs `settings:read`.
        """
        found: t.LayerView = self.call(
            "GET",
            f"/groups/{part(group_id)}/settings",
        )
        return found

    def patch_group_settings(
        self,
        group_id: int,
        *,
        desired: dict[str, Any],
        if_match: str | int | None = None,
    ) -> t.LayerView:
        """Change some keys of a group; null takes a key out.

        Needs `settings:write`.

        A JSON merge patch (RFC 7396) of the same: null takes a key out of this layer.
        """
        found: t.LayerView = self.call(
            "PATCH",
            f"/groups/{part(group_id)}/settings",
            body={
                "desired": desired,
            },
            if_match=if_match,
        )
        return found

    def put_group_settings(
        self,
        group_id: int,
        *,
        desired: dict[str, Any],
        if_match: str | int | None = None,
    ) -> t.LayerView:
        """Say what is desired of all devices in a group and inside it; inner groups win.

        Needs `settings:write`.

        What is desired in this layer, whole: a key that is left out is inherited.
        """
        found: t.LayerView = self.call(
            "PUT",
            f"/groups/{part(group_id)}/settings",
            body={
                "desired": desired,
            },
            if_match=if_match,
        )
        return found

    def plan_group_settings(
        self,
        group_id: int,
        *,
        desired: dict[str, Any],
    ) -> t.LayerPlan:
        """Say how many devices a change would reach, and which keep values of their own.

        Needs `settings:write`.

        What is desired in this layer, whole: a key that is left out is inherited.
        """
        found: t.LayerPlan = self.call(
            "POST",
            f"/groups/{part(group_id)}/settings/plan",
            body={
                "desired": desired,
            },
        )
        return found

    def invite_user(
        self,
        *,
        email: str,
        name: str | Unset = UNSET,
        role: str | Unset | None = UNSET,
        group_id: int | Unset | None = UNSET,
        idempotency_key: str | None = None,
    ) -> t.UserAnswer:
        """Make a user and mail a link to choose the password.

        Needs `users:write`.

        Asks a person for the password again when that is longer ago than `fresh_sign_in_s`: 403
        `fresh_sign_in_required`, see POST /auth/fresh.

        Whom to invite; a role may be given at once, on a group or everywhere (null).
        """
        found: t.UserAnswer = self.call(
            "POST",
            "/invitations",
            body={
                "email": email,
                "name": name,
                "role": role,
                "group_id": group_id,
            },
            idempotent=True,
            idempotency_key=idempotency_key,
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
        text: str | None = None,
        level: list[t.Level] | None = None,
        min_level: t.Level | None = None,
        logger: str | None = None,
        exception_type: str | None = None,
        fingerprint: str | None = None,
        log_session: str | None = None,
        field: list[str] | None = None,
        since: int | None = None,
        until: int | None = None,
        oldest_first: bool | None = None,
        device_id: str | None = None,
        group: int | None = None,
        profile: str | None = None,
        tag: str | None = None,
        component: str | None = None,
        cursor: str | None = None,
        limit: int | None = None,
    ) -> t.FoundLogs:
        """Search the logs of all devices that you may read, newest first.

        Needs `logs:read`.
        """
        found: t.FoundLogs = self.call(
            "GET",
            "/logs",
            query={
                "text": text,
                "level": level,
                "min_level": min_level,
                "logger": logger,
                "exception_type": exception_type,
                "fingerprint": fingerprint,
                "log_session": log_session,
                "field": field,
                "since": since,
                "until": until,
                "oldest_first": oldest_first,
                "device_id": device_id,
                "group": group,
                "profile": profile,
                "tag": tag,
                "component": component,
                "cursor": cursor,
                "limit": limit,
            },
        )
        return found

    def export_logs(
        self,
        *,
        text: str | None = None,
        level: list[t.Level] | None = None,
        min_level: t.Level | None = None,
        logger: str | None = None,
        exception_type: str | None = None,
        fingerprint: str | None = None,
        log_session: str | None = None,
        field: list[str] | None = None,
        since: int | None = None,
        until: int | None = None,
        oldest_first: bool | None = None,
        device_id: str | None = None,
        group: int | None = None,
        profile: str | None = None,
        tag: str | None = None,
        component: str | None = None,
    ) -> Lines:
        """Export what matches as CSV; no cell is a formula.

        Ends after the setting `export_rows_max`.

        Needs `logs:read`.

        Args:
            group: of devices in this group or inside it.
            profile: of devices with this profile.
            tag: of devices with it: `name` or `name=value`.
            component: of devices that have it: `name` or `name=version`.
        """
        found: Lines = self.call(
            "GET",
            "/logs.csv",
            query={
                "text": text,
                "level": level,
                "min_level": min_level,
                "logger": logger,
                "exception_type": exception_type,
                "fingerprint": fingerprint,
                "log_session": log_session,
                "field": field,
                "since": since,
                "until": until,
                "oldest_first": oldest_first,
                "device_id": device_id,
                "group": group,
                "profile": profile,
                "tag": tag,
                "component": component,
            },
            lines=True,
        )
        return found

    def export_logs_lines(
        self,
        *,
        text: str | None = None,
        level: list[t.Level] | None = None,
        min_level: t.Level | None = None,
        logger: str | None = None,
        exception_type: str | None = None,
        fingerprint: str | None = None,
        log_session: str | None = None,
        field: list[str] | None = None,
        since: int | None = None,
        until: int | None = None,
        oldest_first: bool | None = None,
        device_id: str | None = None,
        group: int | None = None,
        profile: str | None = None,
        tag: str | None = None,
        component: str | None = None,
    ) -> Lines:
        """Export what matches as JSON, one record a line; ends likewise.

        Needs `logs:read`.

        Args:
            group: of devices in this group or inside it.
            profile: of devices with this profile.
            tag: of devices with it: `name` or `name=value`.
            component: of devices that have it: `name` or `name=version`.
        """
        found: Lines = self.call(
            "GET",
            "/logs.jsonl",
            query={
                "text": text,
                "level": level,
                "min_level": min_level,
                "logger": logger,
                "exception_type": exception_type,
                "fingerprint": fingerprint,
                "log_session": log_session,
                "field": field,
                "since": since,
                "until": until,
                "oldest_first": oldest_first,
                "device_id": device_id,
                "group": group,
                "profile": profile,
                "tag": tag,
                "component": component,
            },
            lines=True,
        )
        return found

    def get_log_facets(
        self,
        *,
        text: str | None = None,
        level: list[t.Level] | None = None,
        min_level: t.Level | None = None,
        logger: str | None = None,
        exception_type: str | None = None,
        fingerprint: str | None = None,
        log_session: str | None = None,
        field: list[str] | None = None,
        since: int | None = None,
        until: int | None = None,
        oldest_first: bool | None = None,
        device_id: str | None = None,
        group: int | None = None,
        profile: str | None = None,
        tag: str | None = None,
        component: str | None = None,
    ) -> t.FacetsAnswer:
        """Count what matches by logger, device, fingerprint and type of exception.

        Needs `logs:read`.

        Args:
            group: of devices in this group or inside it.
            profile: of devices with this profile.
            tag: of devices with it: `name` or `name=value`.
            component: of devices that have it: `name` or `name=version`.
        """
        found: t.FacetsAnswer = self.call(
            "GET",
            "/logs/facets",
            query={
                "text": text,
                "level": level,
                "min_level": min_level,
                "logger": logger,
                "exception_type": exception_type,
                "fingerprint": fingerprint,
                "log_session": log_session,
                "field": field,
                "since": since,
                "until": until,
                "oldest_first": oldest_first,
                "device_id": device_id,
                "group": group,
                "profile": profile,
                "tag": tag,
                "component": component,
            },
        )
        return found

    def get_log_histogram(
        self,
        *,
        text: str | None = None,
        level: list[t.Level] | None = None,
        min_level: t.Level | None = None,
        logger: str | None = None,
        exception_type: str | None = None,
        fingerprint: str | None = None,
        log_session: str | None = None,
        field: list[str] | None = None,
        since: int | None = None,
        until: int | None = None,
        oldest_first: bool | None = None,
        device_id: str | None = None,
        group: int | None = None,
        profile: str | None = None,
        tag: str | None = None,
        component: str | None = None,
        bars: int | None = None,
    ) -> t.HistogramAnswer:
        """Count what matches by level over the range.

        Needs `logs:read`.
        """
        found: t.HistogramAnswer = self.call(
            "GET",
            "/logs/histogram",
            query={
                "text": text,
                "level": level,
                "min_level": min_level,
                "logger": logger,
                "exception_type": exception_type,
                "fingerprint": fingerprint,
                "log_session": log_session,
                "field": field,
                "since": since,
                "until": until,
                "oldest_first": oldest_first,
                "device_id": device_id,
                "group": group,
                "profile": profile,
                "tag": tag,
                "component": component,
                "bars": bars,
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

    def get_log_context(
        self,
        record_id: str,
        *,
        before: int | None = None,
        after: int | None = None,
    ) -> t.ContextAnswer:
        """Get what the same device wrote before and after a record.

        Needs `logs:read`.
        """
        found: t.ContextAnswer = self.call(
            "GET",
            f"/logs/{part(record_id)}/context",
            query={
                "before": before,
                "after": after,
            },
        )
        return found

    def list_mails(
        self,
        *,
        cursor: str | None = None,
        limit: int | None = None,
        state: str | None = None,
        kind: str | None = None,
        to: str | None = None,
    ) -> t.Listed[t.MailAnswer]:
        """List mails, newest first.

        Needs `system:read`.
        """
        found: t.Listed[t.MailAnswer] = self.call(
            "GET",
            "/mails",
            query={
                "cursor": cursor,
                "limit": limit,
                "state": state,
                "kind": kind,
                "to": to,
            },
        )
        return found

    def get_mail(
        self,
        mail_id: str,
    ) -> t.MailText:
        """Get a mail with its text.

        Needs `system:read`.
        """
        found: t.MailText = self.call(
            "GET",
            f"/mails/{part(mail_id)}",
        )
        return found

    def send_mail_again(
        self,
        mail_id: str,
    ) -> t.MailAnswer:
        """Queue a mail again that was given up.

        Needs `system:write`.
        """
        found: t.MailAnswer = self.call(
            "POST",
            f"/mails/{part(mail_id)}/send",
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
        """Change one's own password; all other sign-ins of the user end.

        The access token is old then: exchange the refresh token for new ones.

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

    def renew_recovery_codes(
        self,
    ) -> t.RecoveryCodes:
        """Make new recovery codes; the old ones end.

        Asks a person for the password again when that is longer ago than `fresh_sign_in_s`: 403
        `fresh_sign_in_required`, see POST /auth/fresh.
        """
        found: t.RecoveryCodes = self.call(
            "POST",
            "/me/recovery-codes",
        )
        return found

    def remove_second_factor(
        self,
    ) -> None:
        """Take one's own second factor away; exchange the refresh token afterwards.

        Asks a person for the password again when that is longer ago than `fresh_sign_in_s`: 403
        `fresh_sign_in_required`, see POST /auth/fresh.
        """
        self.call(
            "DELETE",
            "/me/second-factor",
        )

    def get_own_second_factor(
        self,
    ) -> t.SecondFactorAnswer:
        """Say whether there is a second factor, and whether one is asked for."""
        found: t.SecondFactorAnswer = self.call(
            "GET",
            "/me/second-factor",
        )
        return found

    def begin_second_factor(
        self,
    ) -> t.SecondFactorOffer:
        """Begin to set one up; it counts once a code of the app confirmed it.

        Asks a person for the password again when that is longer ago than `fresh_sign_in_s`: 403
        `fresh_sign_in_required`, see POST /auth/fresh.
        """
        found: t.SecondFactorOffer = self.call(
            "POST",
            "/me/second-factor",
        )
        return found

    def confirm_second_factor(
        self,
        *,
        code: str,
    ) -> t.RecoveryCodes:
        """Set it up by a first code of the app; exchange the refresh token afterwards.

        A first code of the app.
        """
        found: t.RecoveryCodes = self.call(
            "POST",
            "/me/second-factor/confirm",
            body={
                "code": code,
            },
        )
        return found

    def list_own_sessions(
        self,
    ) -> t.Listed[t.SessionAnswer]:
        """List one's sign-ins that hold, the last used first."""
        found: t.Listed[t.SessionAnswer] = self.call(
            "GET",
            "/me/sessions",
        )
        return found

    def end_other_sessions(
        self,
    ) -> t.Ended:
        """End all of one's sign-ins but this one."""
        found: t.Ended = self.call(
            "POST",
            "/me/sessions/end-others",
        )
        return found

    def end_own_session(
        self,
        session_id: str,
    ) -> None:
        """End one of one's sign-ins, at once."""
        self.call(
            "DELETE",
            f"/me/sessions/{part(session_id)}",
        )

    def list_own_sign_ins(
        self,
        *,
        limit: int | None = None,
    ) -> t.Listed[t.TryAnswer]:
        """List the last sign-ins to one's account, failed ones too."""
        found: t.Listed[t.TryAnswer] = self.call(
            "GET",
            "/me/sign-ins",
            query={
                "limit": limit,
            },
        )
        return found

    def list_on_call(
        self,
    ) -> t.Listed[t.OnCallAnswer]:
        """List the on-call lists of the groups on which you may read rules.

        Needs `rules:read`.
        """
        found: t.Listed[t.OnCallAnswer] = self.call(
            "GET",
            "/on-call",
        )
        return found

    def delete_on_call(
        self,
        group_id: int,
    ) -> None:
        """Take the on-call list of a group away.

        Needs `rules:write`.
        """
        self.call(
            "DELETE",
            f"/on-call/{part(group_id)}",
        )

    def get_on_call(
        self,
        group_id: int,
    ) -> t.OnCallAnswer:
        """Get the on-call list of a group.

        Needs `rules:read`.
        """
        found: t.OnCallAnswer = self.call(
            "GET",
            f"/on-call/{part(group_id)}",
        )
        return found

    def put_on_call(
        self,
        group_id: int,
        *,
        entries: list[t.Entry],
        zone: str | Unset = UNSET,
        wait_s: int | Unset = UNSET,
        remind_s: int | Unset = UNSET,
        reminders: int | Unset = UNSET,
        absences: list[t.Absence] | Unset = UNSET,
        if_match: str | int | None = None,
    ) -> t.OnCallAnswer:
        """Write the on-call list of a group.

        Needs `rules:write`.

        A list as it shall be, whole.
        """
        found: t.OnCallAnswer = self.call(
            "PUT",
            f"/on-call/{part(group_id)}",
            body={
                "zone": zone,
                "wait_s": wait_s,
                "remind_s": remind_s,
                "reminders": reminders,
                "entries": entries,
                "absences": absences,
            },
            if_match=if_match,
        )
        return found

    def list_shifts(
        self,
        group_id: int,
        *,
        days: int | None = None,
    ) -> t.Listed[t.ShiftAnswer]:
        """Preview who is on call by the list of a group in the days to come.

        Needs `rules:read`.
        """
        found: t.Listed[t.ShiftAnswer] = self.call(
            "GET",
            f"/on-call/{part(group_id)}/shifts",
            query={
                "days": days,
            },
        )
        return found

    def send_on_call_test(
        self,
        group_id: int,
    ) -> t.Listed[t.OnCallPerson]:
        """Send a test mail to everybody on the list of a group; once a minute at most.

        Needs `rules:write`.
        """
        found: t.Listed[t.OnCallPerson] = self.call(
            "POST",
            f"/on-call/{part(group_id)}/test",
        )
        return found

    def who_is_on_call(
        self,
        group_id: int,
        *,
        at: int | None = None,
    ) -> t.WhoAnswer:
        """Say who is told of the alarms of a group, now or at a moment.

        Needs `alarms:read`.
        """
        found: t.WhoAnswer = self.call(
            "GET",
            f"/on-call/{part(group_id)}/who",
            query={
                "at": at,
            },
        )
        return found

    def list_parts(
        self,
    ) -> t.Listed[t.PartState]:
        """Say how each part of the platform stands, and since when.

        Needs `system:read`.
        """
        found: t.Listed[t.PartState] = self.call(
            "GET",
            "/parts",
        )
        return found

    def list_permissions(
        self,
    ) -> t.Listed[t.PermissionAnswer]:
        """List the permissions that there are, in words."""
        found: t.Listed[t.PermissionAnswer] = self.call(
            "GET",
            "/permissions",
        )
        return found

    def get_preferences(
        self,
    ) -> t.PreferencesAnswer:
        """Give one's own choices."""
        found: t.PreferencesAnswer = self.call(
            "GET",
            "/preferences",
        )
        return found

    def put_preferences(
        self,
        *,
        home: str,
    ) -> t.PreferencesAnswer:
        """Choose for oneself: `home` is the role whose home comes first.

        What to choose; "" takes a choice back.
        """
        found: t.PreferencesAnswer = self.call(
            "PUT",
            "/preferences",
            body={
                "home": home,
            },
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
        message_bytes_max: int | Unset = UNSET,
        metrics_max: int | Unset = UNSET,
        telemetry_kept_days: int | Unset | None = UNSET,
        logs_kept_days: int | Unset | None = UNSET,
        command_queue_s: int | Unset | None = UNSET,
        command_timeout_s: int | Unset | None = UNSET,
        command_step_timeout_s: int | Unset | None = UNSET,
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
                "message_bytes_max": message_bytes_max,
                "metrics_max": metrics_max,
                "telemetry_kept_days": telemetry_kept_days,
                "logs_kept_days": logs_kept_days,
                "command_queue_s": command_queue_s,
                "command_timeout_s": command_timeout_s,
                "command_step_timeout_s": command_step_timeout_s,
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
        message_bytes_max: int | Unset = UNSET,
        metrics_max: int | Unset = UNSET,
        telemetry_kept_days: int | Unset | None = UNSET,
        logs_kept_days: int | Unset | None = UNSET,
        command_queue_s: int | Unset | None = UNSET,
        command_timeout_s: int | Unset | None = UNSET,
        command_step_timeout_s: int | Unset | None = UNSET,
        title: str | Unset | None = UNSET,
        contact: Literal["always", "periodic"] | Unset | None = UNSET,
        expect_every_s: int | Unset | None = UNSET,
        qos_down: int | Unset | None = UNSET,
        if_match: str | int | None = None,
    ) -> t.ProfileAnswer:
        """Change a profile; the presence of its devices is judged by it from then on.

        Needs `profiles:write`.

        What to change; null leaves title, contact, expect_every_s and qos_down as they are.
        """
        found: t.ProfileAnswer = self.call(
            "PATCH",
            f"/profiles/{part(name)}",
            body={
                "message_bytes_max": message_bytes_max,
                "metrics_max": metrics_max,
                "telemetry_kept_days": telemetry_kept_days,
                "logs_kept_days": logs_kept_days,
                "command_queue_s": command_queue_s,
                "command_timeout_s": command_timeout_s,
                "command_step_timeout_s": command_step_timeout_s,
                "title": title,
                "contact": contact,
                "expect_every_s": expect_every_s,
                "qos_down": qos_down,
            },
            if_match=if_match,
        )
        return found

    def get_profile_settings(
        self,
        name: str,
    ) -> t.LayerView:
        """Get what is desired of all devices of a profile.

        Needs `profiles:read`.
        """
        found: t.LayerView = self.call(
            "GET",
            f"/profiles/{part(name)}/settings",
        )
        return found

    def patch_profile_settings(
        self,
        name: str,
        *,
        desired: dict[str, Any],
        if_match: str | int | None = None,
    ) -> t.LayerView:
        """Change some keys of a profile; null takes a key out.

        Needs `profiles:write`.

        A JSON merge patch (RFC 7396) of the same: null takes a key out of this layer.
        """
        found: t.LayerView = self.call(
            "PATCH",
            f"/profiles/{part(name)}/settings",
            body={
                "desired": desired,
            },
            if_match=if_match,
        )
        return found

    def put_profile_settings(
        self,
        name: str,
        *,
        desired: dict[str, Any],
        if_match: str | int | None = None,
    ) -> t.LayerView:
        """Say what is desired of all devices of a profile; groups and devices win.

        Needs `profiles:write`.

        What is desired in this layer, whole: a key that is left out is inherited.
        """
        found: t.LayerView = self.call(
            "PUT",
            f"/profiles/{part(name)}/settings",
            body={
                "desired": desired,
            },
            if_match=if_match,
        )
        return found

    def plan_profile_settings(
        self,
        name: str,
        *,
        desired: dict[str, Any],
    ) -> t.LayerPlan:
        """Say how many devices a change would reach, and which keep values of their own.

        Needs `profiles:write`.

        What is desired in this layer, whole: a key that is left out is inherited.
        """
        found: t.LayerPlan = self.call(
            "POST",
            f"/profiles/{part(name)}/settings/plan",
            body={
                "desired": desired,
            },
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

    def delete_quarantine(
        self,
        *,
        device_id: str | Unset | None = UNSET,
        reason: str | Unset | None = UNSET,
        since: int | Unset | None = UNSET,
        until: int | Unset | None = UNSET,
        why: str | Unset = UNSET,
    ) -> t.QuarantineCount:
        """Delete the messages of a filter for good, the oldest 10,000 of them.

        Needs `system:write`.

        Which messages, as in the list, and why it is done, for the audit log.
        """
        found: t.QuarantineCount = self.call(
            "POST",
            "/quarantine/delete",
            body={
                "device_id": device_id,
                "reason": reason,
                "since": since,
                "until": until,
                "why": why,
            },
        )
        return found

    def replay_quarantine(
        self,
        *,
        device_id: str | Unset | None = UNSET,
        reason: str | Unset | None = UNSET,
        since: int | Unset | None = UNSET,
        until: int | Unset | None = UNSET,
        why: str | Unset = UNSET,
    ) -> t.QuarantineCount:
        """Have the messages of a filter read again, the oldest 10,000 of them.

        Needs `system:write`.

        Which messages, as in the list, and why it is done, for the audit log.
        """
        found: t.QuarantineCount = self.call(
            "POST",
            "/quarantine/replay",
            body={
                "device_id": device_id,
                "reason": reason,
                "since": since,
                "until": until,
                "why": why,
            },
        )
        return found

    def delete_quarantined(
        self,
        message_id: int,
        *,
        reason: str | None = None,
    ) -> None:
        """Delete a message for good.

        Needs `system:write`.
        """
        self.call(
            "DELETE",
            f"/quarantine/{part(message_id)}",
            query={
                "reason": reason,
            },
        )

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

    def replay_quarantined(
        self,
        message_id: int,
        *,
        reason: str | Unset = UNSET,
    ) -> t.QuarantineMessage:
        """Have a message read again, soon, with the time at which it was received.

        Needs `system:write`.

        Why it is done, for the audit log.
        """
        found: t.QuarantineMessage = self.call(
            "POST",
            f"/quarantine/{part(message_id)}/replay",
            body={
                "reason": reason,
            },
        )
        return found

    def list_releases(
        self,
        *,
        cursor: str | None = None,
        limit: int | None = None,
        state: Literal["", "DRAFT", "PUBLISHED", "REVOKED"] | None = None,
        profile: str | None = None,
        search: str | None = None,
    ) -> t.Listed[t.ReleaseAnswer]:
        """List releases, newest first.

        Needs `releases:read`.
        """
        found: t.Listed[t.ReleaseAnswer] = self.call(
            "GET",
            "/releases",
            query={
                "cursor": cursor,
                "limit": limit,
                "state": state,
                "profile": profile,
                "search": search,
            },
        )
        return found

    def create_release(
        self,
        *,
        name: str,
        version: str,
        components: dict[str, str] | Unset = UNSET,
        profiles: list[str] | Unset = UNSET,
        notes: str | Unset = UNSET,
        title: str | Unset = UNSET,
        body: str | Unset = UNSET,
        url: str | Unset = UNSET,
        data: dict[str, Any] | Unset = UNSET,
        idempotency_key: str | None = None,
    ) -> t.ReleaseAnswer:
        """Make a draft.

        Needs `releases:write`.

        A draft to be made.

        Args:
            components: {component: version} that it brings devices to.
            profiles: names of the profiles that it is for.
            notes: Markdown.
            title: the notification that a phone shows.
            body: the notification that a phone shows.
            url: the notification that a phone shows.
            data: for the app; at most 16 KiB as JSON.
        """
        found: t.ReleaseAnswer = self.call(
            "POST",
            "/releases",
            body={
                "name": name,
                "version": version,
                "components": components,
                "profiles": profiles,
                "notes": notes,
                "title": title,
                "body": body,
                "url": url,
                "data": data,
            },
            idempotent=True,
            idempotency_key=idempotency_key,
        )
        return found

    def delete_release(
        self,
        release_id: str,
    ) -> None:
        """Delete a draft with its files; what was published is kept.

        Needs `releases:write`.
        """
        self.call(
            "DELETE",
            f"/releases/{part(release_id)}",
        )

    def get_release(
        self,
        release_id: str,
    ) -> t.ReleaseAnswer:
        """Get a release with its files.

        Needs `releases:read`.
        """
        found: t.ReleaseAnswer = self.call(
            "GET",
            f"/releases/{part(release_id)}",
        )
        return found

    def update_release(
        self,
        release_id: str,
        *,
        name: str | Unset = UNSET,
        version: str | Unset = UNSET,
        components: dict[str, str] | Unset = UNSET,
        profiles: list[str] | Unset = UNSET,
        notes: str | Unset = UNSET,
        title: str | Unset = UNSET,
        body: str | Unset = UNSET,
        url: str | Unset = UNSET,
        data: dict[str, Any] | Unset = UNSET,
        if_match: str | int | None = None,
    ) -> t.ReleaseAnswer:
        """Change a draft; of a published or revoked release only the notes.

        Needs `releases:write`.

        What to change; what is left out stays. Once published, only `notes` may.
        """
        found: t.ReleaseAnswer = self.call(
            "PATCH",
            f"/releases/{part(release_id)}",
            body={
                "name": name,
                "version": version,
                "components": components,
                "profiles": profiles,
                "notes": notes,
                "title": title,
                "body": body,
                "url": url,
                "data": data,
            },
            if_match=if_match,
        )
        return found

    def delete_artifact(
        self,
        release_id: str,
        artifact_id: str,
    ) -> None:
        """Take a file off a draft.

        Needs `releases:write`.
        """
        self.call(
            "DELETE",
            f"/releases/{part(release_id)}/artifacts/{part(artifact_id)}",
        )

    def publish_release(
        self,
        release_id: str,
        *,
        if_match: str | int | None = None,
    ) -> t.ReleaseAnswer:
        """Let rollouts use it from now on; it is fixed from then, but for its notes.

        Needs `releases:publish`.
        """
        found: t.ReleaseAnswer = self.call(
            "POST",
            f"/releases/{part(release_id)}/publish",
            if_match=if_match,
        )
        return found

    def revoke_release(
        self,
        release_id: str,
        *,
        reason: str,
        if_match: str | int | None = None,
    ) -> t.ReleaseAnswer:
        """Take it back for good: no device is given it any more, and rollouts of it hold.

        Needs `releases:publish`.

        Why a release is taken back; people and rollouts are told.
        """
        found: t.ReleaseAnswer = self.call(
            "POST",
            f"/releases/{part(release_id)}/revoke",
            body={
                "reason": reason,
            },
            if_match=if_match,
        )
        return found

    def list_uploads(
        self,
        release_id: str,
    ) -> t.Listed[t.UploadAnswer]:
        """List the files on their way in.

        Needs `releases:read`.
        """
        found: t.Listed[t.UploadAnswer] = self.call(
            "GET",
            f"/releases/{part(release_id)}/uploads",
        )
        return found

    def begin_upload(
        self,
        release_id: str,
        *,
        name: str,
        size: int,
        sha256: str | Unset = UNSET,
        component: str | Unset = UNSET,
        profile: str | Unset = UNSET,
    ) -> t.UploadAnswer:
        """Announce a file; with the same checksum again it gives the upload that is under way.

        Needs `releases:write`.

        A file that is about to be sent.

        Args:
            size: bytes.
            sha256: 64 hex digits; what comes is compared with it. "" where it is not known.
            component: of the release, "" for all.
            profile: the only one whose devices get it, "" for all target profiles.
        """
        found: t.UploadAnswer = self.call(
            "POST",
            f"/releases/{part(release_id)}/uploads",
            body={
                "name": name,
                "size": size,
                "sha256": sha256,
                "component": component,
                "profile": profile,
            },
        )
        return found

    def cancel_upload(
        self,
        release_id: str,
        upload_id: str,
    ) -> None:
        """Forget an upload and what has come of it.

        Needs `releases:write`.
        """
        self.call(
            "DELETE",
            f"/releases/{part(release_id)}/uploads/{part(upload_id)}",
        )

    def get_upload(
        self,
        release_id: str,
        upload_id: str,
    ) -> t.UploadAnswer:
        """Ask how far an upload is, to go on from there.

        Needs `releases:write`.
        """
        found: t.UploadAnswer = self.call(
            "GET",
            f"/releases/{part(release_id)}/uploads/{part(upload_id)}",
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
        require_second_factor: bool | Unset = UNSET,
        idempotency_key: str | None = None,
    ) -> t.RoleAnswer:
        """Make a role.

        Needs `roles:write`.

        Asks a person for the password again when that is longer ago than `fresh_sign_in_s`: 403
        `fresh_sign_in_required`, see POST /auth/fresh.

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
                "require_second_factor": require_second_factor,
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

        Asks a person for the password again when that is longer ago than `fresh_sign_in_s`: 403
        `fresh_sign_in_required`, see POST /auth/fresh.
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
        require_second_factor: bool | Unset | None = UNSET,
        if_match: str | int | None = None,
    ) -> t.RoleAnswer:
        """Change a role; it bites on the next request of whoever has it.

        Of a built-in role only `require_second_factor` can be changed.

        Needs `roles:write`.

        Asks a person for the password again when that is longer ago than `fresh_sign_in_s`: 403
        `fresh_sign_in_required`, see POST /auth/fresh.

        What to change; null leaves it. `permissions` replaces them all.
        """
        found: t.RoleAnswer = self.call(
            "PATCH",
            f"/roles/{part(role_name)}",
            body={
                "permissions": permissions,
                "title": title,
                "description": description,
                "require_second_factor": require_second_factor,
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

    def list_rollouts(
        self,
        *,
        cursor: str | None = None,
        limit: int | None = None,
        state: list[t.JobState] | None = None,
    ) -> t.Listed[t.RolloutView]:
        """List rollouts, newest first.

        Needs `rollouts:read`.
        """
        found: t.Listed[t.RolloutView] = self.call(
            "GET",
            "/rollouts",
            query={
                "cursor": cursor,
                "limit": limit,
                "state": state,
            },
        )
        return found

    def start_rollout(
        self,
        *,
        release_id: str,
        target: t.JobTarget,
        mode: Literal["auto", "install", "notify"] | Unset = UNSET,
        phases: list[t.RolloutPhaseRequest] | Unset = UNSET,
        downgrade: bool | Unset = UNSET,
        limits: t.RolloutLimits | Unset = UNSET,
        digest: str | Unset | None = UNSET,
        title: str | Unset = UNSET,
        reason: str | Unset = UNSET,
        idempotency_key: str | None = None,
    ) -> t.RolloutView:
        """Start a rollout: its first phase opens at once.

        Needs `rollouts:run`.

        A rollout to start.

        Args:
            digest: of the plan that was looked at; another one is refused. Null starts what
                there is.
        """
        found: t.RolloutView = self.call(
            "POST",
            "/rollouts",
            body={
                "release_id": release_id,
                "target": target,
                "mode": mode,
                "phases": phases,
                "downgrade": downgrade,
                "limits": limits,
                "digest": digest,
                "title": title,
                "reason": reason,
            },
            idempotent=True,
            idempotency_key=idempotency_key,
        )
        return found

    def plan_rollout(
        self,
        *,
        release_id: str,
        target: t.JobTarget,
        mode: Literal["auto", "install", "notify"] | Unset = UNSET,
        phases: list[t.RolloutPhaseRequest] | Unset = UNSET,
        downgrade: bool | Unset = UNSET,
        limits: t.RolloutLimits | Unset = UNSET,
    ) -> t.RolloutPlanAnswer:
        """Say who a rollout would be for, in which phase, who not and why. Changes nothing.

        Needs `rollouts:run`.

        What is to be rolled out to whom, and how.

        Args:
            mode: auto (install where the device can, else notify), notify or install.
            phases: none is one phase of all.
            downgrade: devices that have something newer are in, too.
        """
        found: t.RolloutPlanAnswer = self.call(
            "POST",
            "/rollouts/plan",
            body={
                "release_id": release_id,
                "target": target,
                "mode": mode,
                "phases": phases,
                "downgrade": downgrade,
                "limits": limits,
            },
        )
        return found

    def get_rollout(
        self,
        rollout_id: str,
    ) -> t.RolloutView:
        """Get a rollout with its phases; its executions are those of the job of the same id.

        Needs `rollouts:read`.
        """
        found: t.RolloutView = self.call(
            "GET",
            f"/rollouts/{part(rollout_id)}",
        )
        return found

    def abort_rollout(
        self,
        rollout_id: str,
        *,
        reason: str | Unset = UNSET,
    ) -> t.RolloutView:
        """Open nothing more, and cancel what is open.

        Needs `rollouts:run`.

        Why it is done, for the audit log.
        """
        found: t.RolloutView = self.call(
            "POST",
            f"/rollouts/{part(rollout_id)}/abort",
            body={
                "reason": reason,
            },
        )
        return found

    def open_next_phase(
        self,
        rollout_id: str,
        *,
        reason: str | Unset = UNSET,
    ) -> t.RolloutView:
        """Open the next phase now, whatever the open one's thresholds say.

        Needs `rollouts:run`.

        Why it is done, for the audit log.
        """
        found: t.RolloutView = self.call(
            "POST",
            f"/rollouts/{part(rollout_id)}/next",
            body={
                "reason": reason,
            },
        )
        return found

    def pause_rollout(
        self,
        rollout_id: str,
        *,
        reason: str | Unset = UNSET,
    ) -> t.RolloutView:
        """Hand nothing more over and open no phase until it is resumed.

        Needs `rollouts:run`.

        Why it is done, for the audit log.
        """
        found: t.RolloutView = self.call(
            "POST",
            f"/rollouts/{part(rollout_id)}/pause",
            body={
                "reason": reason,
            },
        )
        return found

    def resume_rollout(
        self,
        rollout_id: str,
        *,
        reason: str | Unset = UNSET,
    ) -> t.RolloutView:
        """Go on, and accept the failures so far.

        Needs `rollouts:run`.

        Why it is done, for the audit log.
        """
        found: t.RolloutView = self.call(
            "POST",
            f"/rollouts/{part(rollout_id)}/resume",
            body={
                "reason": reason,
            },
        )
        return found

    def retry_rollout(
        self,
        rollout_id: str,
        *,
        reason: str | Unset = UNSET,
        idempotency_key: str | None = None,
    ) -> t.RetryAnswer:
        """Try again on the devices where it failed, each in its own phase.

        Needs `rollouts:run`.

        Why it is done, for the audit log.
        """
        found: t.RetryAnswer = self.call(
            "POST",
            f"/rollouts/{part(rollout_id)}/retry",
            body={
                "reason": reason,
            },
            idempotent=True,
            idempotency_key=idempotency_key,
        )
        return found

    def list_rules(
        self,
        *,
        kind: Literal[
            "device_offline",
            "execution_failures",
            "log_match",
            "new_fingerprint",
            "part_down",
            "quarantine_grows",
            "telemetry_absent",
            "telemetry_threshold",
        ]
        | None = None,
        cursor: str | None = None,
        limit: int | None = None,
    ) -> t.Listed[t.RuleView]:
        """List rules by name.

        Needs `rules:read`.
        """
        found: t.Listed[t.RuleView] = self.call(
            "GET",
            "/rules",
            query={
                "kind": kind,
                "cursor": cursor,
                "limit": limit,
            },
        )
        return found

    def create_rule(
        self,
        *,
        name: str,
        kind: Literal[
            "device_offline",
            "execution_failures",
            "log_match",
            "new_fingerprint",
            "part_down",
            "quarantine_grows",
            "telemetry_absent",
            "telemetry_threshold",
        ],
        params: dict[str, Any],
        severity: t.Severity | Unset = UNSET,
        group_id: int | Unset = UNSET,
        device_filter: dict[str, Any] | Unset = UNSET,
        labels: dict[str, str] | Unset = UNSET,
        enabled: bool | Unset = UNSET,
        idempotency_key: str | None = None,
    ) -> t.RuleView:
        """Make a rule; it is evaluated at once.

        Needs `rules:write`.

        A rule.

        Args:
            params: of its kind; `GET /rules/kinds` names them.
            group_id: it looks at what is in this group or inside it; the root is 1.
            device_filter: as in selections of devices; left out: all devices there.
            labels: route its alarms to whom they concern.
        """
        found: t.RuleView = self.call(
            "POST",
            "/rules",
            body={
                "name": name,
                "kind": kind,
                "params": params,
                "severity": severity,
                "group_id": group_id,
                "device_filter": device_filter,
                "labels": labels,
                "enabled": enabled,
            },
            idempotent=True,
            idempotency_key=idempotency_key,
        )
        return found

    def list_rule_kinds(
        self,
    ) -> t.Listed[t.RuleKind]:
        """List the kinds of rules with their parameters.

        Needs `rules:read`.
        """
        found: t.Listed[t.RuleKind] = self.call(
            "GET",
            "/rules/kinds",
        )
        return found

    def preview_rule(
        self,
        *,
        name: str,
        kind: Literal[
            "device_offline",
            "execution_failures",
            "log_match",
            "new_fingerprint",
            "part_down",
            "quarantine_grows",
            "telemetry_absent",
            "telemetry_threshold",
        ],
        params: dict[str, Any],
        severity: t.Severity | Unset = UNSET,
        group_id: int | Unset = UNSET,
        device_filter: dict[str, Any] | Unset = UNSET,
        labels: dict[str, str] | Unset = UNSET,
        enabled: bool | Unset = UNSET,
    ) -> t.Preview:
        """Say what a rule would raise if it were evaluated now; changes nothing.

        Needs `rules:write`.

        A rule.

        Args:
            params: of its kind; `GET /rules/kinds` names them.
            group_id: it looks at what is in this group or inside it; the root is 1.
            device_filter: as in selections of devices; left out: all devices there.
            labels: route its alarms to whom they concern.
        """
        found: t.Preview = self.call(
            "POST",
            "/rules/preview",
            body={
                "name": name,
                "kind": kind,
                "params": params,
                "severity": severity,
                "group_id": group_id,
                "device_filter": device_filter,
                "labels": labels,
                "enabled": enabled,
            },
        )
        return found

    def delete_rule(
        self,
        rule_id: str,
    ) -> None:
        """Delete a rule and close its alarms; one that is built in can only be disabled.

        Needs `rules:write`.
        """
        self.call(
            "DELETE",
            f"/rules/{part(rule_id)}",
        )

    def get_rule(
        self,
        rule_id: str,
    ) -> t.RuleView:
        """Show a rule.

        Needs `rules:read`.
        """
        found: t.RuleView = self.call(
            "GET",
            f"/rules/{part(rule_id)}",
        )
        return found

    def update_rule(
        self,
        rule_id: str,
        *,
        name: str | Unset = UNSET,
        params: dict[str, Any] | Unset = UNSET,
        severity: t.Severity | Unset = UNSET,
        device_filter: dict[str, Any] | Unset = UNSET,
        labels: dict[str, str] | Unset = UNSET,
        enabled: bool | Unset = UNSET,
        if_match: str | int | None = None,
    ) -> t.RuleView:
        """Change a rule; it is evaluated at once.

        Needs `rules:write`.

        What to change; what is left out stays. Kind and group stay as they are.
        """
        found: t.RuleView = self.call(
            "PATCH",
            f"/rules/{part(rule_id)}",
            body={
                "name": name,
                "params": params,
                "severity": severity,
                "device_filter": device_filter,
                "labels": labels,
                "enabled": enabled,
            },
            if_match=if_match,
        )
        return found

    def list_schedules(
        self,
    ) -> list[t.ScheduleAnswer]:
        """List what repeats.

        Needs `tasks:read`.
        """
        found: list[t.ScheduleAnswer] = self.call(
            "GET",
            "/schedules",
        )
        return found

    def run_schedule(
        self,
        name: str,
    ) -> t.TaskAnswer:
        """Ask for a run at once; one that waits already is that run.

        Needs `tasks:run`.
        """
        found: t.TaskAnswer = self.call(
            "POST",
            f"/schedules/{part(name)}/run",
        )
        return found

    def list_sign_ins(
        self,
        *,
        limit: int | None = None,
    ) -> t.Listed[t.TryAnswer]:
        """List the last sign-ins to all accounts, failed ones too, by account and minute.

        Needs `users:read`.
        """
        found: t.Listed[t.TryAnswer] = self.call(
            "GET",
            "/sign-ins",
            query={
                "limit": limit,
            },
        )
        return found

    def list_tags(
        self,
    ) -> t.Listed[t.TagName]:
        """List the names and values of tags of devices that you may read, with how many have
        them.

        Needs `devices:read`.
        """
        found: t.Listed[t.TagName] = self.call(
            "GET",
            "/tags",
        )
        return found

    def list_tasks(
        self,
        *,
        cursor: str | None = None,
        limit: int | None = None,
        name: str | None = None,
        state: str | None = None,
        trigger: str | None = None,
        actor: str | None = None,
        subject: str | None = None,
    ) -> t.Listed[t.TaskAnswer]:
        """List runs of tasks, newest first; those that found nothing to do are only counted.

        Needs `tasks:read`.
        """
        found: t.Listed[t.TaskAnswer] = self.call(
            "GET",
            "/tasks",
            query={
                "cursor": cursor,
                "limit": limit,
                "name": name,
                "state": state,
                "trigger": trigger,
                "actor": actor,
                "subject": subject,
            },
        )
        return found

    def get_task(
        self,
        run_id: str,
    ) -> t.TaskAnswer:
        """Get one run.

        Needs `tasks:read`.
        """
        found: t.TaskAnswer = self.call(
            "GET",
            f"/tasks/{part(run_id)}",
        )
        return found

    def cancel_task(
        self,
        run_id: str,
    ) -> t.TaskAnswer:
        """Stop a run: before it begins, or before its next step.

        Needs `tasks:run`.
        """
        found: t.TaskAnswer = self.call(
            "POST",
            f"/tasks/{part(run_id)}/cancel",
        )
        return found

    def retry_task(
        self,
        run_id: str,
    ) -> t.TaskAnswer:
        """Ask for another run of what failed, was canceled or was lost.

        Needs `tasks:run`.
        """
        found: t.TaskAnswer = self.call(
            "POST",
            f"/tasks/{part(run_id)}/retry",
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

        Asks a person for the password again when that is longer ago than `fresh_sign_in_s`: 403
        `fresh_sign_in_required`, see POST /auth/fresh.

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

        Asks a person for the password again when that is longer ago than `fresh_sign_in_s`: 403
        `fresh_sign_in_required`, see POST /auth/fresh.
        """
        found: t.UserAnswer = self.call(
            "POST",
            f"/users/{part(user_id)}/enable",
        )
        return found

    def send_user_link(
        self,
        user_id: str,
    ) -> t.UserAnswer:
        """Mail a link to choose a password: the invitation again, or a reset.

        Needs `users:write`.
        """
        found: t.UserAnswer = self.call(
            "POST",
            f"/users/{part(user_id)}/link",
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

        Asks a person for the password again when that is longer ago than `fresh_sign_in_s`: 403
        `fresh_sign_in_required`, see POST /auth/fresh.

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

    def get_user_second_factor(
        self,
        user_id: str,
    ) -> t.SecondFactorAnswer:
        """Say whether a user has a second factor, and whether a role asks for one.

        Needs `users:read`.
        """
        found: t.SecondFactorAnswer = self.call(
            "GET",
            f"/users/{part(user_id)}/second-factor",
        )
        return found

    def reset_user_second_factor(
        self,
        user_id: str,
        *,
        reason: str | Unset | None = UNSET,
    ) -> None:
        """Take a user's second factor away, who lost phone and codes; they are told by mail.

        Needs `users:write`.

        Asks a person for the password again when that is longer ago than `fresh_sign_in_s`: 403
        `fresh_sign_in_required`, see POST /auth/fresh.

        Why.
        """
        self.call(
            "POST",
            f"/users/{part(user_id)}/second-factor/reset",
            body={
                "reason": reason,
            },
        )

    def list_user_sessions(
        self,
        user_id: str,
    ) -> t.Listed[t.SessionAnswer]:
        """List a user's sign-ins that hold, the last used first.

        Needs `users:read`.
        """
        found: t.Listed[t.SessionAnswer] = self.call(
            "GET",
            f"/users/{part(user_id)}/sessions",
        )
        return found

    def end_user_sessions(
        self,
        user_id: str,
    ) -> t.Ended:
        """End a user's sign-ins, at once; one's own but for this one.

        Needs `users:write`.

        Asks a person for the password again when that is longer ago than `fresh_sign_in_s`: 403
        `fresh_sign_in_required`, see POST /auth/fresh.
        """
        found: t.Ended = self.call(
            "POST",
            f"/users/{part(user_id)}/sessions/end-all",
        )
        return found

    def end_user_session(
        self,
        user_id: str,
        session_id: str,
    ) -> None:
        """End one sign-in of a user, at once.

        Needs `users:write`.

        Asks a person for the password again when that is longer ago than `fresh_sign_in_s`: 403
        `fresh_sign_in_required`, see POST /auth/fresh.
        """
        self.call(
            "DELETE",
            f"/users/{part(user_id)}/sessions/{part(session_id)}",
        )

    def list_user_sign_ins(
        self,
        user_id: str,
        *,
        limit: int | None = None,
    ) -> t.Listed[t.TryAnswer]:
        """List the last sign-ins to a user's account, failed ones too.

        Needs `users:read`.
        """
        found: t.Listed[t.TryAnswer] = self.call(
            "GET",
            f"/users/{part(user_id)}/sign-ins",
            query={
                "limit": limit,
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

    def list_versions(
        self,
    ) -> t.Listed[t.ComponentVersions]:
        """Count the devices by profile, component and version, the newest version first.

        Needs `devices:read`.
        """
        found: t.Listed[t.ComponentVersions] = self.call(
            "GET",
            "/versions",
        )
        return found
