"""The app clients: those of the stack, and others that would get past our sign-in."""

import json
from collections.abc import Iterator
from typing import Any

from accounts.conf import conf
from cognito_admin.doctor import client_list
from cognito_admin.doctor.context import Context, Finding, danger, not_checked, ok, warning

_OUR_FLOWS = {"ALLOW_CUSTOM_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"}
# The flows of a client that names none.
_DEFAULT_FLOWS = {"ALLOW_REFRESH_TOKEN_AUTH", "ALLOW_USER_SRP_AUTH", "ALLOW_CUSTOM_AUTH"}
_PASSWORD_FLOWS = {
    "ALLOW_USER_PASSWORD_AUTH",
    "ALLOW_ADMIN_USER_PASSWORD_AUTH",
    "ALLOW_USER_SRP_AUTH",
}
_FLOWS_SETTING = 'ExplicitAuthFlows=["ALLOW_CUSTOM_AUTH","ALLOW_REFRESH_TOKEN_AUTH"]'

_NO_HOSTED_PAGES = (
    "AllowedOAuthFlowsUserPoolClient=false",
    *(f"{name}=[]" for name in ("AllowedOAuthFlows", "AllowedOAuthScopes", "CallbackURLs")),
)
# Attributes that only Cognito writes.
_OF_COGNITO = {"sub", "identities", "email_verified", "phone_number_verified"}
_MINUTE, _DAY = 60, 24 * 60 * 60
_SECONDS = {"seconds": 1, "minutes": _MINUTE, "hours": 60 * _MINUTE, "days": _DAY}
# As the template has them, in seconds.
LIVES_OF_OURS = {"IdToken": 5 * _MINUTE, "AccessToken": 5 * _MINUTE, "RefreshToken": _DAY}
LIVES_OF_PUBLIC = {
    "IdToken": 60 * _MINUTE,
    "AccessToken": 60 * _MINUTE,
    "RefreshToken": 30 * _DAY,
}
# The defaults of Cognito.
_USUAL_UNITS = {"IdToken": "hours", "AccessToken": "hours", "RefreshToken": "days"}
_USUAL_LIVES = {"IdToken": 1, "AccessToken": 1, "RefreshToken": 30}


def of_the_stack(context: Context) -> Iterator[Finding]:
    """Look at the client of the site, and at that of mobile and single-page apps."""
    for name, identifier, lives in _of_the_stack(context):
        client = next((c for c in context.clients if c["ClientId"] == identifier), None)
        if client is None:
            yield danger("clients", f"{name} is gone", context.recreate)
            continue
        yield from _flows_of(context, name, client)
        yield from _settings_of(context, name, client)
        yield from _lives_of(context, name, client, lives)
        if identifier == context.stack.client_id:
            yield from _secret_of(context, client, "CLIENT", conf.client_id, conf.client_secret)
        if identifier == context.stack.known_client_id:
            ours = (conf.known_client_id, conf.known_client_secret)
            yield from _secret_of(context, client, "KNOWN_CLIENT", *ours)
        if identifier == context.stack.site_client_id:
            ours = (conf.site_client_id, conf.site_client_secret)
            yield from _secret_of(context, client, "SITE_CLIENT", *ours)


def write_attributes(context: Context) -> Iterator[Finding]:
    """No client may let people write a number on their account that nobody has proven."""
    if context.username == "attribute":
        yield ok(
            "write attributes", "a number that people write leads nowhere until it is verified"
        )
        return
    bad = [each for each in context.clients if _writes_phone(each)]
    for client in bad:
        # An empty list means every attribute that can be written.
        written = client.get("WriteAttributes") or writable(context)
        kept = [each for each in written if not each.startswith("phone_number")]
        yield danger(
            "write attributes",
            f"people of the client {client['ClientName']} can put any number on their account; "
            "its owner would then sign in to that account",
            context.set_client(client["ClientId"], f"WriteAttributes={_listed(kept)}"),
        )
    if not bad:
        yield ok("write attributes", "no client lets people change their number")


def others(context: Context) -> Iterator[Finding]:
    """Other clients of the pool get no codes and no passwords past our triggers."""
    known = {identifier for _, identifier, _ in _of_the_stack(context)}
    strangers = [each for each in context.clients if each["ClientId"] not in known]
    bad = False
    for client in strangers:
        flows, name = _flows(client), client["ClientName"]
        if client["ClientId"] in context.client_list:
            bad = True
            yield danger(
                "other clients",
                f"the client {name} gets codes, and is none of the stack's",
                client_list.setting(context, known),
            )
        if "ALLOW_USER_AUTH" in flows:
            bad = True
            yield warning(
                "other clients",
                f"the client {name} allows USER_AUTH: with SMS_OTP, texts past every limit",
                _without_flows(context, client, {"ALLOW_USER_AUTH"}),
            )
        if context.stack.has_own_pool and flows & _PASSWORD_FLOWS:
            bad = True
            yield danger(
                "other clients",
                f"the client {name} lets people in with passwords, past our codes",
                _without_flows(context, client, _PASSWORD_FLOWS),
            )
    if not bad:
        yield ok("other clients", "none of them gets codes or leads past ours")


def _flows_of(context: Context, name: str, client: dict[str, Any]) -> Iterator[Finding]:
    flows = _flows(client)
    if flows == _OUR_FLOWS:
        yield ok("flows", f"{name} signs people in by our codes alone")
    else:
        more, less = sorted(flows - _OUR_FLOWS), sorted(_OUR_FLOWS - flows)
        yield danger(
            "flows",
            f"{name} allows {', '.join(more)}, past our codes"
            if more
            else f"{name} lacks {', '.join(less)}: nobody can sign in",
            context.set_client(client["ClientId"], _FLOWS_SETTING),
        )
    # Cognito's own pages ask for passwords with any flows.
    if client.get("AllowedOAuthFlowsUserPoolClient"):
        yield danger(
            "hosted pages",
            f"{name} lets people in at Cognito's own pages, past our codes",
            context.set_client(client["ClientId"], *_NO_HOSTED_PAGES),
        )


def _secret_of(
    context: Context, client: dict[str, Any], which: str, identifier: str, secret: str
) -> Iterator[Finding]:
    """Compare the settings COGNITO_<which>_ID and _SECRET with those of the client."""
    name, variable = client["ClientId"], f"COGNITO_{which}_SECRET"
    if not client.get("ClientSecret"):
        yield danger(
            "client secret",
            "our client has none: whoever knows its id starts sign-ins past the site",
            context.deploy,
        )
    elif identifier != name:
        yield not_checked("client secret", "the settings are those of another client")
    elif secret != client["ClientSecret"]:
        yield danger(
            "client secret",
            f"{variable} of the site is not that of the client",
            f"{variable} in the site's environment, which says "
            + context.aws(
                "cognito-idp describe-user-pool-client",
                f"--user-pool-id {context.pool_id} --client-id {name} "
                "--query UserPoolClient.ClientSecret --output text",
            ),
        )
    else:
        yield ok("client secret", "the site has the one of the client")


def _settings_of(context: Context, name: str, client: dict[str, Any]) -> Iterator[Finding]:
    identifier = client["ClientId"]
    if client.get("PreventUserExistenceErrors") == "ENABLED":
        yield ok("existence", f"{name} does not tell who has an account")
    else:
        yield danger(
            "existence",
            f"{name} tells whether a number has an account",
            context.set_client(identifier, "PreventUserExistenceErrors=ENABLED"),
        )
    if client.get("EnableTokenRevocation"):
        yield ok("revocation", f"tokens of {name} can be revoked")
    else:
        yield warning(
            "revocation",
            f"tokens of {name} cannot be revoked",
            context.set_client(identifier, "EnableTokenRevocation=true"),
        )
    # The longest life of a code is ten minutes.
    if (client.get("AuthSessionValidity") or 3) >= 15:
        yield ok("session validity", f"a session of {name} outlives every code")
    else:
        yield danger(
            "session validity",
            f"a session of {name} ends after {client.get('AuthSessionValidity') or 3} minutes, "
            "codes later",
            context.set_client(identifier, "AuthSessionValidity=15"),
        )


def _lives_of(
    context: Context, name: str, client: dict[str, Any], wanted: dict[str, int]
) -> Iterator[Finding]:
    units = {**_USUAL_UNITS, **(client.get("TokenValidityUnits") or {})}
    wrong = {}
    for token, seconds in wanted.items():
        there = client.get(f"{token}Validity") or _USUAL_LIVES[token]
        if there * _SECONDS[units[token]] != seconds:
            wrong[token] = f"{there} {units[token]}"
    if not wrong:
        yield ok("token lives", f"those of {name} live as long as the template says")
        return
    settings = []
    for token in wrong:
        unit = "days" if wanted[token] % _DAY == 0 else "minutes"
        settings.append(f"{token}Validity={wanted[token] // _SECONDS[unit]}")
        settings.append(f"TokenValidityUnits.{token}={unit}")
    listed = ", ".join(f"{token} {life}" for token, life in wrong.items())
    yield warning(
        "token lives",
        f"those of {name} do not live as long as the template says: {listed}",
        context.set_client(client["ClientId"], *settings),
    )


def _of_the_stack(context: Context) -> Iterator[tuple[str, str, dict[str, int]]]:
    """Yield name, id and the lives of the tokens of each client that the stack has."""
    yield "our client", context.stack.client_id, LIVES_OF_OURS
    if known := context.stack.known_client_id:
        yield "the client for known browsers", known, LIVES_OF_OURS
    if site := context.stack.site_client_id:
        yield "the client for people whom the site has proven", site, LIVES_OF_OURS
    if public := context.stack.outputs.get("PublicClientId"):
        yield "the public client", public, LIVES_OF_PUBLIC


def _without_flows(context: Context, client: dict[str, Any], flows: set[str]) -> str:
    # An empty list would mean the default flows, passwords among them.
    rest = sorted(_flows(client) - flows) or ["ALLOW_REFRESH_TOKEN_AUTH"]
    return context.set_client(client["ClientId"], f"ExplicitAuthFlows={_listed(rest)}")


def _flows(client: dict[str, Any]) -> set[str]:
    return set(client.get("ExplicitAuthFlows") or _DEFAULT_FLOWS)


def _writes_phone(client: dict[str, Any]) -> bool:
    # An empty list means all.
    written = client.get("WriteAttributes")
    return not written or "phone_number" in written


def writable(context: Context) -> list[str]:
    """Return the attributes that a client may write if it lists none."""
    return [
        each["Name"]
        for each in context.pool.get("SchemaAttributes") or []
        if each.get("Mutable", True)
        and not each.get("DeveloperOnlyAttribute")
        and each["Name"] not in _OF_COGNITO
    ]


def _listed(names: list[str]) -> str:
    return json.dumps(names, separators=(",", ":"))


CHECKS = (of_the_stack, write_attributes, others, client_list.client_list)
