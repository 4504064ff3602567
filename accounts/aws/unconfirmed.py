"""Repair accounts that somebody signed up and never confirmed, and others of unknown password.

Whoever finds such an account repairs it here: a sign-in, the comparison, and the command for
operators. So there is one policy (docs/adr/0013).
"""

import secrets
from contextlib import suppress
from typing import Any, Final

from accounts.aws import cognito_errors

# Cognito itself says these of an account. All else was said by the person who signed it up.
_OF_COGNITO: Final = frozenset({"sub", "identities", "phone_number", "phone_number_verified"})
_REPAIRABLE: Final = frozenset({"UNCONFIRMED", "FORCE_CHANGE_PASSWORD", "RESET_REQUIRED"})


def repair(client: Any, *, user_pool_id: str, username: str) -> list[str]:
    """Let an account be signed in to by the phone alone, which nobody has done so far.

    ``client`` is a boto3 ``cognito-idp`` client; ``username`` is the phone or the internal name.

        UNCONFIRMED             the person who signed it up chose its password and attributes, and
                                need not have the phone: all attributes but the number go, the
                                number counts as unproven, tokens end, the password becomes one
                                that nobody knows, and the account is confirmed
        FORCE_CHANGE_PASSWORD,  operators made it so: tokens end, and the password becomes one
        RESET_REQUIRED          that nobody knows
        others                  nothing, as with accounts that have no number to sign in by

    Nobody can sign in to an unconfirmed account, so the step that opens it comes last: a repair
    that failed in between can be done again. Returns the names of attributes that the pool does not
    let go of; nobody may believe them. Raises UnknownUser and other CognitoErrors.
    """
    with cognito_errors.translated():
        account = {"UserPoolId": user_pool_id, "Username": username}
        found = client.admin_get_user(**account)
        status, attributes = found["UserStatus"], found["UserAttributes"]
        has_phone = any(a["Name"] == "phone_number" and a.get("Value") for a in attributes)
        if status not in _REPAIRABLE or not has_phone:
            return []
        account["Username"] = found["Username"]
        kept: list[str] = []
        if status == "UNCONFIRMED":
            kept = _remove_attributes(client, account, attributes)
        client.admin_user_global_sign_out(**account)
        client.admin_set_user_password(**account, Password=password_of_nobody(), Permanent=True)
        if status == "UNCONFIRMED":
            # The password may have confirmed it already.
            with suppress(client.exceptions.NotAuthorizedException):
                client.admin_confirm_sign_up(**account)
        return kept


def _remove_attributes(client: Any, account: dict[str, str], attributes: Any) -> list[str]:
    # An attribute that says whether another is verified goes with it.
    names = [a["Name"] for a in attributes if not a["Name"].endswith("_verified")]
    names = [name for name in names if name not in _OF_COGNITO]
    kept = [] if _blank(client, account, names) else names
    if len(kept) > 1:
        kept = [name for name in names if not _blank(client, account, [name])]
    if "email" in kept:
        _update(client, account, {"email_verified": "false"})
    _update(client, account, {"phone_number_verified": "false"})
    return kept


def _blank(client: Any, account: dict[str, str], names: list[str]) -> bool:
    """Remove attributes, which an empty value does; all of them or none."""
    try:
        if names:
            _update(client, account, dict.fromkeys(names, ""))
    except client.exceptions.InvalidParameterException:
        # One of them is required by the pool, or not to be changed.
        return False
    return True


def _update(client: Any, account: dict[str, str], values: dict[str, str]) -> None:
    client.admin_update_user_attributes(
        **account, UserAttributes=[{"Name": n, "Value": v} for n, v in values.items()]
    )


def password_of_nobody() -> str:
    """Return a password that fits any policy, and that is kept nowhere."""
    return f"{secrets.token_urlsafe(48)}aA1!"
