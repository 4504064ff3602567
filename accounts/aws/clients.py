"""Make the boto3 clients of the site.

A client sends every call once: a repeated InitiateAuth is a second text, and a repeated answer
meets a session that was spent by the first.
"""

from typing import Any, Literal

# Seconds, for a machine that is near and up.
_CONNECT_TIMEOUT = 2


def make(
    service: Literal["cognito-idp", "lambda"],
    *,
    region: str,
    endpoint_url: str | None,
    read_timeout: float,
    connections: int,
) -> Any:
    """Return a boto3 client, which threads may share. Raises BotoCoreError and ValueError.

    ``read_timeout`` is in seconds. So many ``connections`` at most are kept for the next calls.
    """
    # Here, since it takes longer than all else that a command such as ``check`` imports.
    import boto3
    from botocore.config import Config

    return boto3.Session().client(
        service,
        region_name=region,
        endpoint_url=endpoint_url,
        config=Config(
            connect_timeout=_CONNECT_TIMEOUT,
            read_timeout=read_timeout,
            retries={"mode": "standard", "total_max_attempts": 1},
            max_pool_connections=connections,
            # Cognito checks what it is sent, and our shapes are constants that tests check.
            parameter_validation=False,
            # Given, it is not put together twice for every call.
            user_agent=f"Boto3/{boto3.__version__}",
        ),
    )
