"""The settings of the pool that decide how people come in."""

import json
from collections.abc import Iterator

from cognito_admin import attach, journal
from cognito_admin.doctor import clients
from cognito_admin.doctor.context import Context, Finding, danger, ok, warning

# By which the triggers know who has set one up (lambdas/triggers/plans.py).
_APP = "custom:authenticator"


def sign_up(context: Context) -> Iterator[Finding]:
    """Accounts are made by the site alone."""
    config = context.pool.get("AdminCreateUserConfig") or {}
    if config.get("AllowAdminCreateUserOnly"):
        yield ok("sign-up", "accounts are made by the site alone")
    else:
        yield danger(
            "sign-up",
            "anybody can sign up any number with a password of theirs, before its owner comes",
            context.set_pool("AdminCreateUserConfig.AllowAdminCreateUserOnly=true"),
        )


def username(context: Context) -> Iterator[Finding]:
    """The functions take user names of the pool for what they are."""
    names = context.pool.get("UsernameAttributes") or []
    if context.username == "phone" != attach.username_of(context.pool):
        yield danger(
            "user names",
            "they are not phones, and the functions take them for such: any number on an account "
            "leads to it, proven or not",
            context.deploy_with('CognitoUsername = "attribute"'),
        )
    elif context.username == "attribute" and "phone_number" in names:
        yield danger(
            "user names",
            "they are phones, and the functions do not take them for such: nobody new is texted",
            context.deploy_with('CognitoUsername = "phone"'),
        )
    elif context.username == "attribute":
        yield ok("user names", "they are not phones; verified numbers lead to accounts")
    else:
        yield ok("user names", "they are phones")


def second_factor(context: Context) -> Iterator[Finding]:
    """Cognito asks for no second factor of its own after our code.

    AWS says both that it does and that it does not where the pool has them (ADR 20).
    """
    kind = context.pool.get("MfaConfiguration", "OFF")
    if kind == "OFF":
        yield ok("second factor", "Cognito asks for none of its own after our code")
        return
    who = "everybody" if kind == "ON" else "people who have set one up"
    yield warning(
        "second factor",
        f"Cognito may ask {who} for one after our code, or may not: the site takes it, apps must "
        "as well, and nothing that must be safe may rest on it",
        context.set_pool("MfaConfiguration=OFF"),
    )


def authenticator_apps(context: Context) -> Iterator[Finding]:
    """Apps that are set up on the site can be kept, and no client lets people remove them."""
    if "authenticator" not in context.parameter("SignInPlan").split():
        yield ok("authenticator apps", "no sign-in asks for their codes")
        return
    names = {each["Name"] for each in context.pool.get("SchemaAttributes") or []}
    if _APP not in names:
        yield danger(
            "authenticator apps",
            "the pool has no attribute for them, so nobody can set one up",
            context.aws(
                "cognito-idp add-custom-attributes",
                f"--user-pool-id {context.pool_id} --custom-attributes "
                f"Name={_APP.removeprefix('custom:')},AttributeDataType=String,Mutable=true",
            ),
        )
        return
    has_writers = False
    for client in context.clients:
        # An empty list means every attribute that can be written.
        written = client.get("WriteAttributes") or clients.writable(context)
        if _APP not in written:
            continue
        has_writers = True
        kept = json.dumps([each for each in written if each != _APP], separators=(",", ":"))
        yield danger(
            "authenticator apps",
            f"people of the client {client['ClientName']} can remove theirs with any token",
            context.set_client(client["ClientId"], f"WriteAttributes={kept}"),
        )
    if not has_writers:
        yield ok("authenticator apps", "those who have set one up are asked for its codes")


def unfinished(context: Context) -> Iterator[Finding]:
    """No change of the pool was cut off half-way."""
    entry = journal.read(context.account, context.pool_id)
    if entry is None:
        yield ok("unfinished change", "none")
        return
    run = f"the cognito_attach, cognito_detach or cognito_set begun at {entry.began} was cut off"
    bad = False
    mfa = context.account.client("cognito-idp").get_user_pool_mfa_config(UserPoolId=context.pool_id)
    mfa.pop("ResponseMetadata", None)
    if entry.has_lost_mfa(mfa):
        bad = True
        should = entry.mfa_after["MfaConfiguration"]
        yield danger(
            "unfinished change",
            f"{run}: second factors are {mfa['MfaConfiguration']} and should be {should}",
            context.set_pool(f"MfaConfiguration={should}"),
        )
    for change in entry.other_differences(context.pool, context.settable):
        bad = True
        name = ".".join(change.path)
        yield warning(
            "unfinished change",
            f"{run}: {name} is neither as it was nor as it was to be ({change})",
            context.set_pool(f"{name}={json.dumps(change.before)}"),
        )
    if not bad:
        yield ok("unfinished change", "one was cut off, and left nothing behind")


def recovery(context: Context) -> Iterator[Finding]:
    """Forgotten passwords are not reset by text."""
    setting = context.pool.get("AccountRecoverySetting") or {}
    ways = [each["Name"] for each in setting.get("RecoveryMechanisms") or []]
    if ways == ["admin_only"]:
        yield ok("recovery", "through operators only")
    elif "verified_phone_number" in ways or not ways:
        yield danger(
            "recovery",
            "ForgotPassword texts codes of Cognito's own, past every limit of ours",
            context.set_pool(_ADMIN_ONLY),
        )
    else:
        yield ok("recovery", "by e-mail, which sends no text")


def own_texts(context: Context) -> Iterator[Finding]:
    """Cognito sends no texts of its own."""
    if "phone_number" in (context.pool.get("AutoVerifiedAttributes") or []):
        kept = [each for each in context.pool["AutoVerifiedAttributes"] if each != "phone_number"]
        spelled = ",".join(f'"{each}"' for each in kept)
        yield danger(
            "own texts",
            "Cognito texts codes of its own to verify numbers, past every limit of ours",
            context.set_pool(f"AutoVerifiedAttributes=[{spelled}]"),
        )
    else:
        yield ok("own texts", "Cognito verifies no number by a text of its own")


def native_codes(context: Context) -> Iterator[Finding]:
    """Cognito's own codes by text or mail are off."""
    policy = (context.pool.get("Policies") or {}).get("SignInPolicy") or {}
    factors = policy.get("AllowedFirstAuthFactors") or []
    if "SMS_OTP" in factors:
        yield danger(
            "native codes",
            "clients with USER_AUTH sign in by Cognito's own texts, past every limit of ours",
            context.set_pool('Policies.SignInPolicy={"AllowedFirstAuthFactors":["PASSWORD"]}'),
        )
    else:
        yield ok("native codes", "no sign-in by Cognito's own texts")


def protection(context: Context) -> Iterator[Finding]:
    """The pool cannot be deleted by one call."""
    if context.pool.get("DeletionProtection") == "ACTIVE":
        yield ok("deletion protection", "the pool cannot be deleted by mistake")
    else:
        yield warning(
            "deletion protection",
            "one command deletes the pool with all its users",
            context.set_pool("DeletionProtection=ACTIVE"),
        )


_ADMIN_ONLY = 'AccountRecoverySetting={"RecoveryMechanisms":[{"Name":"admin_only","Priority":1}]}'
CHECKS = (
    sign_up,
    username,
    second_factor,
    authenticator_apps,
    unfinished,
    recovery,
    own_texts,
    native_codes,
    protection,
)
