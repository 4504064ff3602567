"""Mail with codes: ask Amazon SES whether it would leave. Nothing is sent."""

from collections.abc import Iterator
from email.utils import parseaddr
from typing import Any

from botocore.exceptions import ClientError

from cognito_admin.doctor.context import Context, Finding, danger, ok


def mail(context: Context) -> Iterator[Finding]:
    """SES sends from the address of EmailSender."""
    address = _sender(context)
    if not address:
        yield ok("mail", "the stack sends none")
        return
    faults = [*_account(context), *_identity(context, address), *_configuration_set(context)]
    yield from faults
    if not faults:
        yield ok("mail", f"SES sends it from {address}")


def mail_sandbox(context: Context) -> Iterator[Finding]:
    """SES mails every address, not only verified ones."""
    if not _sender(context):
        return
    if _ses(context).get_account().get("ProductionAccessEnabled"):
        yield ok("mail sandbox", "SES mails every address")
        return
    production = _aws(
        context,
        "put-account-details",
        "--production-access-enabled --mail-type TRANSACTIONAL "
        f"--website-url https://{context.parameter('SiteHost')}",
    )
    tester = _aws(context, "create-email-identity", "--email-identity ADDRESS")
    yield danger(
        "mail sandbox",
        "SES is in the sandbox: it mails verified addresses only",
        f"{production}; until AWS agrees, for each tester: {tester}",
    )


def _account(context: Context) -> Iterator[Finding]:
    account = _ses(context).get_account()
    if account.get("SendingEnabled", True):
        return
    if account.get("EnforcementStatus") == "SHUTDOWN":
        yield danger(
            "mail", "AWS has stopped all mail of the account", "answer AWS's case, in the console"
        )
    else:
        repair = _aws(context, "put-account-sending-attributes", "--sending-enabled")
        yield danger("mail", "the account's mail is paused", repair)


def _identity(context: Context, address: str) -> Iterator[Finding]:
    """Look for a verified identity: the address, its domain, or one above that."""
    domain = address.partition("@")[2]
    labels = domain.split(".")
    names = [address, *(".".join(labels[at:]) for at in range(len(labels) - 1))]
    waiting = ""
    for name in names:
        found = _found(_ses(context).get_email_identity, EmailIdentity=name)
        if found and found.get("VerifiedForSendingStatus"):
            return
        waiting = waiting or (name if found else "")
    if not waiting:
        made = _aws(context, "create-email-identity", f"--email-identity {domain}")
        yield danger(
            "mail",
            f"SES knows neither {address} nor {domain}",
            f"{made}; then a DNS record for each token that it answers with (docs/deploy.md)",
        )
    elif "@" in waiting:
        again = context.in_texting_region(
            f"aws ses verify-email-identity --email-address {waiting}"
        )
        yield danger(
            "mail", f"SES has not verified {waiting}", f"{again}; then the link in the mail to it"
        )
    else:
        tokens = _aws(
            context,
            "get-email-identity",
            f"--email-identity {waiting} --query DkimAttributes.Tokens",
        )
        yield danger(
            "mail",
            f"SES has not verified {waiting}",
            f"{tokens}; then a DNS record for each of them (docs/deploy.md)",
        )


def _configuration_set(context: Context) -> Iterator[Finding]:
    name = context.parameter("EmailConfigurationSet")
    if not name:
        return
    found = _found(_ses(context).get_configuration_set, ConfigurationSetName=name)
    option = f"--configuration-set-name {name}"
    if found is None:
        repair = _aws(context, "create-configuration-set", option)
        yield danger("mail", f"SES has no configuration set {name}", repair)
    elif not found.get("SendingOptions", {}).get("SendingEnabled", True):
        repair = _aws(
            context, "put-configuration-set-sending-options", f"{option} --sending-enabled"
        )
        yield danger("mail", f"mail of the configuration set {name} is paused", repair)


def _found(ask: Any, **named: str) -> dict[str, Any] | None:
    """Return the reply about what is named, None where there is no such thing."""
    try:
        reply: dict[str, Any] = ask(**named)
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") != "NotFoundException":
            raise
        return None
    return reply


def _sender(context: Context) -> str:
    """Return the address that mails come from, "" where none are sent."""
    return parseaddr(context.parameter("EmailSender"))[1]


def _ses(context: Context) -> Any:
    return context.texting.client("sesv2")


def _aws(context: Context, operation: str, options: str) -> str:
    return context.in_texting_region(f"aws sesv2 {operation} {options}")


CHECKS = (mail, mail_sandbox)
