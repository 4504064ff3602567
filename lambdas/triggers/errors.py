"""Errors of AWS, as callers may read them: without a word about our account.

Cognito hands the message of an exception on to its caller, and AWS's own messages name roles,
tables and the account.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

log = logging.getLogger(__name__)


class TryAgainLater(Exception):
    """AWS failed, so no text leaves and no answer is accepted."""


@contextmanager
def hiding_aws_errors() -> Iterator[None]:
    """Raise TryAgainLater in place of an error of AWS, whose code goes to the log alone."""
    try:
        yield
    except ClientError as error:
        log.error(  # noqa: TRY400 - a traceback may quote what was sent
            "%s failed: %s", error.operation_name, error.response.get("Error", {}).get("Code")
        )
        raise TryAgainLater("Try again later") from None
    except (BotoCoreError, ResponseParserError) as error:
        log.error("AWS failed: %s", type(error).__name__)  # noqa: TRY400
        raise TryAgainLater("Try again later") from None
