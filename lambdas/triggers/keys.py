"""The server key from which codes are derived, read once per process from Secrets Manager."""

from functools import cache

import boto3
from botocore.config import Config

from . import environment

# Create must answer Cognito within 5 s, and what is left of it belongs to the text.
_CONFIG = Config(connect_timeout=0.5, read_timeout=1, retries={"total_max_attempts": 1})


@cache
def code_key() -> bytes:
    """Return the key. Raises botocore's errors: without a key no code is made and none accepted."""
    client = boto3.client("secretsmanager", config=_CONFIG)
    secret = client.get_secret_value(SecretId=environment.text("CODE_KEY_SECRET_ID"))
    key = secret["SecretString"].encode()
    if len(key) < 32:
        raise environment.WrongEnvironment("The secret in CODE_KEY_SECRET_ID is too short")
    return key
