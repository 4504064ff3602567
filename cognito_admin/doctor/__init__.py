"""What is wrong with a deployed stack, its pool and the site, and the command that mends it.

Nothing is changed and nothing is sent. A check that cannot be done says so; none is left out in
silence.
"""

from collections.abc import Iterator

import requests
from botocore.exceptions import BotoCoreError, ClientError

from cognito_admin.doctor import clients, pool, site, texts, triggers
from cognito_admin.doctor.case import Case, Check, Finding, Level, danger, not_checked
from cognito_admin.stack import NoStack

__all__ = ["Case", "Finding", "Level", "examine"]

_ON_AWS = (*triggers.CHECKS, *pool.CHECKS, *clients.CHECKS, *texts.CHECKS)


def examine(case: Case, *, with_site: bool = True) -> Iterator[Finding]:
    """Yield what all checks find. ``with_site``: this process has the settings of the site."""
    try:
        case.stack  # noqa: B018 - read now, since all others need it
    except NoStack as error:
        yield danger("stack", str(error), case.deploy)
        return
    except (BotoCoreError, ClientError) as error:
        yield danger("account", f"AWS cannot be asked: {error}", "aws sts get-caller-identity")
        return
    for check in _ON_AWS:
        yield from _careful(check, case)
    if with_site:
        for check in site.CHECKS:
            yield from _careful(check, case)
    else:
        yield not_checked("site", "its settings are not here; run cognito_doctor where it runs")


def _careful(check: Check, case: Case) -> Iterator[Finding]:
    """Let no check that fails end the others, or look as if it had found nothing."""
    name = check.__name__.replace("_", " ")
    try:
        for finding in check(case):
            yield case.in_region(finding)
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code", "")
        if code == "ResourceNotFoundException" and error.operation_name == "DescribeUserPool":
            yield danger(name, "the user pool is gone", case.deploy)
        else:
            yield not_checked(name, f"{error.operation_name}: {code}")
    except (BotoCoreError, requests.RequestException, KeyError, ValueError) as error:
        yield not_checked(name, f"{type(error).__name__}: {error}"[:200])
