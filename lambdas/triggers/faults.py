"""What the caller may read when AWS fails a trigger: nothing of our account.

Cognito hands the message of an exception on to whoever asked, and AWS's own messages name roles,
tables and the account.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

log = logging.getLogger(__name__)


class TryAgainLater(Exception):
    """AWS failed us, and so no text leaves and no answer is accepted."""


@contextmanager
def kept_to_ourselves() -> Iterator[None]:
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
