"""Names of steps that Cognito may ask for after the right code, and that this site cannot do."""

from django.utils.translation import gettext as _

from accounts.login import passwords
from accounts.login.pending import Pending


def named(over: Pending | None) -> str:
    """Return the name of a further step that Cognito asked for after the right code, or ""."""
    if over is None or not over.further_step:
        return ""
    return {
        "SMS_MFA": _("a second code by text"),
        "EMAIL_OTP": _("a code by e-mail"),
        "SOFTWARE_TOKEN_MFA": _("a code from an authenticator app"),
        "NEW_PASSWORD_REQUIRED": _("a new password"),
        "DEVICE_SRP_AUTH": _("a device that Cognito remembers"),
        "DEVICE_PASSWORD_VERIFIER": _("a device that Cognito remembers"),
        "MFA_SETUP": _("a second step that is to be set up first"),
        # After the password, and before any code.
        passwords.NEW_PASSWORD: passwords.NEW_PASSWORD,
    }.get(over.further_step, _("a second step"))
