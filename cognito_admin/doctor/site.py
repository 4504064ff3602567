"""The site's settings, its clock, and the keys that it verifies tokens with."""

import shlex
import time
from collections.abc import Iterator
from email.utils import parsedate_to_datetime

import requests
from django.core import checks

from accounts.aws import tokens
from accounts.conf import conf
from cognito_admin import attach
from cognito_admin.doctor.context import Context, Finding, danger, not_checked, ok, warning

_TIMEOUT = 5
_OTHER_POOL = "COGNITO_USER_POOL_ID of the site is that of another pool"


def keys(context: Context) -> Iterator[Finding]:
    """The pool's public keys can be fetched."""
    if conf.user_pool_id != context.pool_id:
        yield not_checked("keys", _OTHER_POOL)
        return
    try:
        count = len(tokens.SigningKeys(conf.jwks_url).get_signing_keys())
    except Exception as error:
        # With any error nobody can sign in.
        yield danger(
            "keys",
            f"the pool's public keys cannot be had: {type(error).__name__}",
            f"COGNITO_JWKS_URL={_keys_of(context)} in the site's environment"
            if conf.jwks_url != _keys_of(context)
            else f"curl --fail {conf.jwks_url} says why not, where the site runs",
        )
    else:
        yield ok("keys", f"{count} public keys at {conf.jwks_url}")


def issuer(context: Context) -> Iterator[Finding]:
    """The site expects the issuer that the pool names."""
    if conf.user_pool_id != context.pool_id:
        yield not_checked("issuer", _OTHER_POOL)
        return
    told = requests.get(
        conf.jwks_url.replace("jwks.json", "openid-configuration"), timeout=_TIMEOUT
    ).json()["issuer"]
    if told.rpartition("/")[2] != context.pool_id:
        # COGNITO_ISSUER must not be the repair: the site would trust the tokens of another pool.
        yield danger(
            "issuer",
            f"the site takes the keys of another pool: {conf.jwks_url}",
            f"COGNITO_JWKS_URL={_keys_of(context)} in the site's environment",
        )
    elif told == conf.issuer:
        yield ok("issuer", "the site expects that of the pool")
    else:
        yield danger(
            "issuer",
            f"the pool's tokens say {told}, the site expects {conf.issuer}",
            f"COGNITO_ISSUER={told} in the site's environment",
        )


def _keys_of(context: Context) -> str:
    pool = context.pool_id
    return (
        f"https://cognito-idp.{pool.partition('_')[0]}.amazonaws.com/{pool}/.well-known/jwks.json"
    )


def clock(context: Context) -> Iterator[Finding]:
    """The clock here agrees with that of AWS, within the leeway of tokens."""
    before = time.time()
    reply = requests.get(conf.jwks_url, timeout=_TIMEOUT)
    after = time.time()
    there = parsedate_to_datetime(reply.headers["Date"]).timestamp()
    # The header has no fractions of a second.
    skew = max(0.0, there - after, before - there - 1)
    if skew > tokens.LEEWAY:
        yield danger(
            "clock",
            f"it is {skew:.0f} s off: fresh tokens are not yet, or no longer, valid",
            "sudo chronyc makestep",
        )
    elif skew > tokens.LEEWAY / 3:
        yield warning("clock", f"it is {skew:.0f} s off", "sudo chronyc makestep")
    else:
        yield ok("clock", "it agrees with AWS")


def pool_of_the_site(context: Context) -> Iterator[Finding]:
    """The settings name the pool, client and functions of the stack."""
    wrong = {
        name: (ours, theirs)
        for name, ours, theirs in (
            ("COGNITO_USER_POOL_ID", conf.user_pool_id, context.pool_id),
            ("COGNITO_USERNAME", conf.username, context.username),
            ("COGNITO_CLIENT_ID", conf.client_id, context.stack.client_id),
            ("COGNITO_KNOWN_CLIENT_ID", conf.known_client_id, context.stack.known_client_id),
            ("COGNITO_SITE_CLIENT_ID", conf.site_client_id, context.stack.site_client_id),
            ("AWS_REGION", conf.region, context.pool_id.partition("_")[0]),
            ("LEDGER_FUNCTION", conf.ledger_function, context.stack.outputs["LedgerFunction"]),
            ("TEXTS_FUNCTION", conf.texts_function, context.stack.outputs.get("TextsFunction", "")),
            (
                "ACCOUNTS_SIGN_IN_PLAN",
                " ".join(conf.sign_in_plan),
                # The local CloudFormation does not list parameters that were left at their default.
                context.parameter("SignInPlan") or "code",
            ),
        )
        if ours != theirs
    }
    for name, (ours, theirs) in wrong.items():
        yield danger(
            "settings",
            f"{name} is {ours or 'not set'}, and {theirs or 'missing'} in the stack",
            f"{name}={shlex.quote(theirs)} in the site's environment" if theirs else context.deploy,
        )
    if not wrong:
        yield ok("settings", "they name the pool of the stack")


def site_key(context: Context) -> Iterator[Finding]:
    """The site signs with the key that the triggers have."""
    name = context.stack.site_key
    if not name:
        yield warning("site key", "the stack has none", context.deploy)
        return
    secrets = context.account.client("secretsmanager")
    if secrets.get_secret_value(SecretId=name)["SecretString"] == conf.site_key:
        yield ok("site key", "the site has that of the stack")
        return
    told = context.aws(
        "secretsmanager get-secret-value",
        f"--secret-id {name} --query SecretString --output text",
    )
    yield danger(
        "site key",
        "SITE_KEY of the site is not that of the stack: known browsers have no lane of their own, "
        "and no passkey works",
        f"SITE_KEY in the site's environment, which says {told}",
    )


def countries(context: Context) -> Iterator[Finding]:
    """The triggers text every country that the site takes."""
    texted = set(context.parameter("AllowedCountries").split(","))
    if missing := sorted(conf.countries - texted):
        everything = ",".join(sorted(conf.countries | texted))
        yield danger(
            "countries of the site",
            f"the site takes numbers of {', '.join(missing)}, and the triggers text none of them",
            context.deploy_with(f'AllowedCountries = "{everything}"'),
        )
    else:
        yield ok("countries of the site", "the triggers text all of them")


def sign_up(context: Context) -> Iterator[Finding]:
    """The pool lets the site make accounts, where it is to make any."""
    if conf.sign_up != "open":
        yield ok("open sign-up", "closed: the site makes no accounts")
    elif why := attach.keeps_from_sign_up(context.pool, context.username):
        yield danger(
            "open sign-up",
            f"it is open, and no account can be made: {why}",
            "ACCOUNTS_SIGN_UP=closed in the site's environment",
        )
    else:
        yield ok("open sign-up", "the pool lets the site make accounts")


def addresses(context: Context) -> Iterator[Finding]:
    """People may add an e-mail address where the stack sends mail, and nowhere else."""
    sends = context.stack.outputs.get("AccountsEmail") == "true"
    if conf.email and not sends:
        yield danger(
            "addresses",
            "ACCOUNTS_EMAIL is true, and the stack sends no mail: nobody can add an address",
            "ACCOUNTS_EMAIL=false in the site's environment; or to send mail, "
            + context.deploy_with('EmailSender = "an address that SES has verified"'),
        )
    elif sends and not conf.email and conf.username == "phone":
        yield warning(
            "addresses",
            "the stack sends mail, and ACCOUNTS_EMAIL is false: nobody can add an address",
            "ACCOUNTS_EMAIL=true in the site's environment",
        )
    else:
        yield ok("addresses", "people can add one" if conf.email else "people add none")


def carriers(context: Context) -> Iterator[Finding]:
    """Site and stack agree whether carriers are asked of which type a number is."""
    may_ask = context.parameter("CarrierLookup") == "true"
    if conf.carrier_lookup and not may_ask:
        yield danger(
            "carriers",
            "ACCOUNTS_CARRIER_LOOKUP is true, and CarrierLookup of the stack is not: the site asks "
            "for the type of each new number, and learns none",
            context.deploy_with('CarrierLookup = "true"'),
        )
    elif may_ask and not conf.carrier_lookup:
        yield warning(
            "carriers",
            "CarrierLookup of the stack is true, and the site never asks: no type is known",
            "ACCOUNTS_CARRIER_LOOKUP=true in the site's environment",
        )
    else:
        yield ok("carriers", "they are asked once for a number" if may_ask else "nobody asks them")


def name(context: Context) -> Iterator[Finding]:
    """Pages and texts call the site the same."""
    in_texts = context.parameter("AppName")
    if in_texts == conf.site_name:
        yield ok("name", f"pages and texts call the site {in_texts}")
    else:
        yield warning(
            "name",
            f"pages call the site {conf.site_name!r}, and texts call it {in_texts!r}",
            f"SITE_NAME={shlex.quote(in_texts)} in the site's environment",
        )


def django_checks(context: Context) -> Iterator[Finding]:
    """``manage.py check --deploy`` finds nothing."""
    found = [
        each for each in checks.run_checks(include_deployment_checks=True) if not each.is_silenced()
    ]
    for each in found:
        level = danger if each.level >= checks.ERROR else warning
        repair = str(each.hint or "python manage.py check --deploy").replace("\n", " ")
        yield level("django", f"{each.id}: {each.msg}".replace("\n", " "), repair)
    if not found:
        yield ok("django", "manage.py check --deploy finds nothing")


CHECKS = (
    keys,
    issuer,
    clock,
    pool_of_the_site,
    site_key,
    countries,
    sign_up,
    addresses,
    carriers,
    name,
    django_checks,
)
