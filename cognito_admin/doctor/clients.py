"""The app clients: ours, and those that would let somebody around us."""

from collections.abc import Iterator
from typing import Any

from accounts.conf import conf
from cognito_admin.doctor.case import Case, Finding, danger, not_checked, ok, warning

_OUR_FLOWS = {"ALLOW_CUSTOM_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"}
# What a client without any gets.
_DEFAULT_FLOWS = {"ALLOW_REFRESH_TOKEN_AUTH", "ALLOW_USER_SRP_AUTH", "ALLOW_CUSTOM_AUTH"}
_FLOWS_SETTING = 'ExplicitAuthFlows=["ALLOW_CUSTOM_AUTH","ALLOW_REFRESH_TOKEN_AUTH"]'


def ours(case: Case) -> Iterator[Finding]:
    client = next((c for c in case.clients if c["ClientId"] == case.stack.client_id), None)
    if client is None:
        yield danger(
            "our client",
            "the client of the stack is gone",
            f"delete the stack's parameter {case.stack.client_list}, then {case.deploy}",
        )
        return
    yield from _flows_of_ours(case, client)
    yield from _secret_of_ours(case, client)
    yield from _settings_of_ours(case, client)


def write_attributes(case: Case) -> Iterator[Finding]:
    """No client may let people write a number on their account that nobody has proven."""
    bad = [each for each in case.clients if _writes_phone(each)]
    for client in bad:
        kept = [name for name in client.get("WriteAttributes") or [] if "phone_number" not in name]
        spelled = ",".join(f'"{name}"' for name in kept or ["locale"])
        yield danger(
            "write attributes",
            f"people of the client {client['ClientName']} can put any number on their account; "
            "its owner would then sign in to that account",
            case.set_client(client["ClientId"], f"WriteAttributes=[{spelled}]"),
        )
    if not bad:
        yield ok("write attributes", "no client lets people change their number")


def others(case: Case) -> Iterator[Finding]:
    known = {case.stack.client_id, case.stack.outputs.get("PublicClientId", "")}
    strangers = [each for each in case.clients if each["ClientId"] not in known]
    bad = False
    for client in strangers:
        flows, name = _flows(client), client["ClientName"]
        if client["ClientId"] in case.client_list:
            bad = True
            yield danger(
                "other clients",
                f"the client {name} gets codes, and is none of the stack's",
                _list_setting(case, known),
            )
        if "ALLOW_USER_AUTH" in flows:
            bad = True
            rest = sorted(flows - {"ALLOW_USER_AUTH"})
            spelled = ",".join(f'"{flow}"' for flow in rest)
            yield warning(
                "other clients",
                f"the client {name} allows USER_AUTH: with SMS_OTP, texts past every limit",
                case.set_client(client["ClientId"], f"ExplicitAuthFlows=[{spelled}]"),
            )
        if case.stack.has_own_pool and flows & {
            "ALLOW_USER_PASSWORD_AUTH",
            "ALLOW_ADMIN_USER_PASSWORD_AUTH",
            "ALLOW_USER_SRP_AUTH",
        }:
            bad = True
            yield danger(
                "other clients",
                f"the client {name} lets people in with passwords, past our codes",
                f"aws cognito-idp delete-user-pool-client --user-pool-id {case.pool_id} "
                f"--client-id {client['ClientId']}",
            )
    if not bad:
        yield ok("other clients", "none of them gets codes or leads past ours")


def client_list(case: Case) -> Iterator[Finding]:
    wanted = {case.stack.client_id, case.stack.outputs.get("PublicClientId", "")} - {""}
    there = {each["ClientId"] for each in case.clients}
    if missing := wanted - set(case.client_list):
        yield danger(
            "client list",
            f"{', '.join(sorted(missing))} is not on the list of clients that get codes",
            _list_setting(case, wanted),
        )
    elif gone := set(case.client_list) - there:
        yield warning(
            "client list",
            f"{', '.join(sorted(gone))} gets codes, and is no client of the pool",
            _list_setting(case, wanted),
        )
    else:
        yield ok("client list", "who gets codes is on it")


def _flows_of_ours(case: Case, client: dict[str, Any]) -> Iterator[Finding]:
    flows = _flows(client)
    if flows == _OUR_FLOWS:
        yield ok("flows", "our client signs people in by our codes alone")
    else:
        more, less = sorted(flows - _OUR_FLOWS), sorted(_OUR_FLOWS - flows)
        yield danger(
            "flows",
            f"our client allows {', '.join(more)}, past our codes"
            if more
            else f"our client lacks {', '.join(less)}: nobody can sign in",
            case.set_client(client["ClientId"], _FLOWS_SETTING),
        )


def _secret_of_ours(case: Case, client: dict[str, Any]) -> Iterator[Finding]:
    name = client["ClientId"]
    if not client.get("ClientSecret"):
        yield danger(
            "client secret",
            "our client has none: whoever knows its id starts sign-ins past the site",
            case.deploy,
        )
    elif conf.client_id != name:
        yield not_checked("client secret", "the settings are those of another client")
    elif conf.client_secret != client["ClientSecret"]:
        yield danger(
            "client secret",
            "COGNITO_CLIENT_SECRET of the site is not that of the client",
            f"aws cognito-idp describe-user-pool-client --user-pool-id {case.pool_id} "
            f"--client-id {name} --query UserPoolClient.ClientSecret --output text",
        )
    else:
        yield ok("client secret", "the site has the one of the client")


def _settings_of_ours(case: Case, client: dict[str, Any]) -> Iterator[Finding]:
    name = client["ClientId"]
    if client.get("PreventUserExistenceErrors") == "ENABLED":
        yield ok("existence", "our client does not tell who has an account")
    else:
        yield danger(
            "existence",
            "our client tells whether a number has an account",
            case.set_client(name, "PreventUserExistenceErrors=ENABLED"),
        )
    if client.get("EnableTokenRevocation"):
        yield ok("revocation", "tokens of our client can be revoked")
    else:
        yield warning(
            "revocation",
            "tokens of our client cannot be revoked",
            case.set_client(name, "EnableTokenRevocation=true"),
        )
    # The longest life of a code is ten minutes.
    if (client.get("AuthSessionValidity") or 3) >= 15:
        yield ok("session validity", "a session outlives every code")
    else:
        yield danger(
            "session validity",
            f"a session ends after {client.get('AuthSessionValidity') or 3} minutes, codes later",
            case.set_client(name, "AuthSessionValidity=15"),
        )


def _list_setting(case: Case, ids: set[str]) -> str:
    return (
        f"aws ssm put-parameter --overwrite --type String --name {case.stack.client_list} "
        f"--value {','.join(sorted(ids - {''}))}"
    )


def _flows(client: dict[str, Any]) -> set[str]:
    return set(client.get("ExplicitAuthFlows") or _DEFAULT_FLOWS)


def _writes_phone(client: dict[str, Any]) -> bool:
    # None at all means all.
    written = client.get("WriteAttributes")
    return not written or "phone_number" in written


CHECKS = (ours, write_attributes, others, client_list)
