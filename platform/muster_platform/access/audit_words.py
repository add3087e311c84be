"""What each act of the audit log is called for people. One table."""

ACTS: dict[str, str] = {
    "api_token.create": "made an API token",
    "api_token.revoke": "revoked an API token",
    "bulk.cancel": "stopped a change of many devices",
    "bulk.start": "started a change of many devices",
    "bulk.undo": "took a change of many devices back",
    "command.create": "sent a command",
    "credential.revoke": "revoked a secret",
    "credential.revoke_all": "revoked all secrets",
    "credential.rotate": "made a new secret",
    "device.attach": "put the device behind a gateway",
    "device.capture": "kept raw messages for a while",
    "device.delete": "deleted the device",
    "device.detach": "took the device off its gateway",
    "device.disable": "disabled the device",
    "device.enable": "enabled the device",
    "device.import": "imported devices",
    "device.purge": "removed the device for good",
    "device.register": "registered the device",
    "device.restore": "restored the device",
    "device.update": "changed the device",
    "enrolment_request.approve": "let a device enrol",
    "enrolment_request.reject": "turned a device's enrolment down",
    "enrolment_token.create": "made an enrolment token",
    "enrolment_token.revoke": "revoked an enrolment token",
    "execution.cancel": "canceled a command on one device",
    "execution.retry": "tried a command on one device again",
    "fingerprint.assign": "assigned the fingerprint",
    "fingerprint.ignore": "ignored the fingerprint",
    "fingerprint.note": "wrote a note on the fingerprint",
    "fingerprint.reopen": "opened the fingerprint again",
    "fingerprint.resolve": "resolved the fingerprint",
    "group.create": "made the group",
    "group.delete": "deleted the group",
    "group.move": "moved the group",
    "group.rename": "renamed the group",
    "job.cancel": "canceled the job",
    "job.pause": "paused the job",
    "job.resume": "resumed the job",
    "job.retry": "tried what failed again",
    "mail.send_again": "queued a mail again",
    "profile.create": "made the profile",
    "profile.delete": "deleted the profile",
    "profile.update": "changed the profile",
    "quarantine.delete": "deleted a message in quarantine",
    "quarantine.delete_all": "deleted messages in quarantine",
    "quarantine.replay": "took a message in again",
    "quarantine.replay_all": "took messages in again",
    "role.create": "made the role",
    "role.delete": "deleted the role",
    "role.update": "changed the role",
    "settings.set": "changed the settings",
    "user.accept_invitation": "accepted the invitation",
    "user.bind": "gave a role",
    "user.change_password": "changed the own password",
    "user.create": "added the person",
    "user.disable": "locked the person out",
    "user.enable": "let the person in again",
    "user.end_session": "ended a sign-in",
    "user.invite": "mailed an invitation",
    "user.recovery_codes_renewed": "made new recovery codes",
    "user.refresh_token_reused": "ended a sign-in that was used from two places",
    "user.rename": "renamed the person",
    "user.reset_password": "chose a new password by a mailed link",
    "user.second_factor_removed": "removed the own second factor",
    "user.second_factor_reset": "reset the second factor",
    "user.second_factor_set_up": "set up a second factor",
    "user.send_reset": "mailed a link to a new password",
    "user.set_password": "set a new password",
    "user.sign_in": "signed in",
    "user.sign_out": "signed out",
    "user.sign_out_everywhere": "ended all sign-ins",
    "user.unbind": "took a role away",
}
"""Action -> what was done, to be read behind the name of whoever did it."""

KINDS: dict[str, str] = {
    "api_token": "API token",
    "bulk": "change of many devices",
    "device": "device",
    "enrolment_request": "enrolment",
    "enrolment_token": "enrolment token",
    "execution": "execution",
    "fingerprint": "fingerprint",
    "group": "group",
    "import": "import of devices",
    "job": "job",
    "mail": "mail",
    "profile": "profile",
    "quarantine": "quarantine",
    "role": "role",
    "user": "person",
}
"""Kind of subject -> its name."""


def done(action: str) -> str:
    """Give what was done; an act that the table lacks is told by its own name."""
    return ACTS.get(action) or action.replace(".", ": ").replace("_", " ")


def kind(subject_kind: str) -> str:
    """Give the name of a kind of subject."""
    return KINDS.get(subject_kind) or subject_kind.replace("_", " ")


def sentence(actor_name: str, action: str) -> str:
    """Say who did what, for a place where the subject is plain (a device's timeline)."""
    return f"{actor_name} {done(action)}"
