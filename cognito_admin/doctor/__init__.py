"""Examine a deployed stack, its pool and the site, and name the command that repairs each fault.

Nothing is changed and nobody is texted. A check that cannot be done says so; none is left out in
silence.

    triggers, functions, roles, storage, dry_run, alarms    the stack
    pool, clients                                           the pool
    texts, mail                                             what sends
    site, services                                          the site
"""

from collections.abc import Collection, Iterator

from botocore.exceptions import BotoCoreError, ClientError

from accounts.conf import conf
from cognito_admin.doctor import (
    alarms,
    clients,
    dry_run,
    functions,
    mail,
    pool,
    roles,
    services,
    site,
    storage,
    texts,
    triggers,
)
from cognito_admin.doctor.context import (
    Check,
    Context,
    Finding,
    Level,
    danger,
    left_out,
    not_checked,
)
from cognito_admin.stack import NoStack

__all__ = ["PARTS", "Context", "Finding", "Level", "examine"]

# In this order: storage before dry_run, because a function that runs makes a missing log group
# again, which keeps its lines for ever.
PARTS = {
    "triggers": triggers,
    "functions": functions,
    "roles": roles,
    "storage": storage,
    "dry_run": dry_run,
    "alarms": alarms,
    "pool": pool,
    "clients": clients,
    "texts": texts,
    "mail": mail,
    "site": site,
    "services": services,
}
_OF_THE_SITE = {"site", "services"}


def examine(
    context: Context, *, with_site: bool = True, only: Collection[str] = ()
) -> Iterator[Finding]:
    """Yield what all checks find, or those of the parts named in ``only``.

    ``with_site``: this process has the settings of the site.
    """
    try:
        context.stack  # noqa: B018 - read now, since all others need it
    except NoStack as error:
        yield danger("stack", str(error), _where_the_stack_is(context))
        return
    except (BotoCoreError, ClientError) as error:
        yield danger("account", f"AWS cannot be asked: {error}", "aws sts get-caller-identity")
        return
    if is_gone := list(_gone_pool(context)):
        yield from map(context.in_region, is_gone)
        return
    for name, part in PARTS.items():
        if name in (only or PARTS) and (with_site or name not in _OF_THE_SITE):
            for check in part.CHECKS:
                yield from _careful(check, context)
    if not with_site:
        yield left_out("site", "run cognito_doctor where it runs, with its environment")
    if only:
        rest = ", ".join(name for name in PARTS if name not in only)
        yield left_out("the rest", rest)


def _careful(check: Check, context: Context) -> Iterator[Finding]:
    """Report a check that fails as "not checked": it must not end the others, or look fine."""
    name = check.__name__.replace("_", " ")
    try:
        for finding in check(context):
            yield context.in_region(finding)
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code", "")
        yield not_checked(name, f"{error.operation_name}: {code}")
    except Exception as error:
        # A bug in the check, or an answer of AWS that it does not know.
        yield not_checked(name, f"{type(error).__name__}: {error}"[:200])


def _where_the_stack_is(context: Context) -> str:
    """Return the repair for a missing stack: perhaps only the region is wrong."""
    of_the_pool, _, is_one = conf.user_pool_id.partition("_")
    if is_one and of_the_pool != context.account.region:
        return f"AWS_REGION={of_the_pool}, where the pool of the site is"
    return f"{context.deploy}; where it stands in another region: AWS_REGION=… before this command"


def _gone_pool(context: Context) -> Iterator[Finding]:
    try:
        context.pool  # noqa: B018 - most others need it
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") != "ResourceNotFoundException":
            return
        listed = context.aws("cognito-idp list-user-pools", "--max-results 60")
        repair = (
            # A deployment without changes makes nothing.
            f"no command brings its people back; a new pool: make undeploy STAGE={context.stage}; "
            f"{context.deploy}"
            if context.stack.has_own_pool
            else f"{context.deploy} USER_POOL_ID=…, one of those that {listed} names"
        )
        yield danger("pool", f"the user pool {context.pool_id} is gone", repair)
    except BotoCoreError:
        # Each check will report it.
        return
