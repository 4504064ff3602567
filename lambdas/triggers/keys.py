"""The server key and other secrets, read once per process from Secrets Manager."""

import hashlib
import hmac
import logging
from functools import cache

import boto3
from botocore.config import Config

from . import environment

# At DEBUG botocore logs whole requests and replies: the text with its code, and the key.
logging.getLogger("botocore").setLevel(logging.INFO)

# Create must answer Cognito within 5 s, and most of it belongs to the ledger and the text.
_CONFIG = Config(connect_timeout=0.5, read_timeout=1, retries={"total_max_attempts": 1})


@cache
def _server_key() -> bytes:
    """Return the key. Raises botocore's errors: without a key no code is made and none accepted."""
    key = read_secret("CODE_KEY_SECRET_ID").encode()
    if len(key) < 32:
        raise environment.WrongEnvironment("The secret in CODE_KEY_SECRET_ID is too short")
    return key


def read_secret(variable: str) -> str:
    """Return the secret that a variable names. Raises botocore's errors and WrongEnvironment."""
    client = boto3.client("secretsmanager", config=_CONFIG)
    secret = client.get_secret_value(SecretId=environment.text(variable))
    return str(secret["SecretString"])


@cache
def site_key() -> bytes:
    """Return the key with which the site signs what it states to the triggers.

    Raises botocore's errors: without it nothing is believed.
    """
    key = read_secret("SITE_KEY_SECRET_ID").encode()
    if len(key) < 32:
        raise environment.WrongEnvironment("The secret in SITE_KEY_SECRET_ID is too short")
    return key


def code_key() -> bytes:
    """Return the key from which sign-in codes are derived."""
    return hmac.digest(_server_key(), b"code", hashlib.sha256)


def proof_key() -> bytes:
    """Return the key of the codes that prove a number: none of them ever signs in."""
    return hmac.digest(_server_key(), b"proof of a number", hashlib.sha256)


def confirm_key() -> bytes:
    """Return the key of the codes by which a signed-in user confirms who they are."""
    return hmac.digest(_server_key(), b"confirmation", hashlib.sha256)


def address_key() -> bytes:
    """Return the key of the codes that prove an e-mail address."""
    return hmac.digest(_server_key(), b"proof of an address", hashlib.sha256)


def second_number_key() -> bytes:
    """Return the key of the codes that prove a second number."""
    return hmac.digest(_server_key(), b"proof of a second number", hashlib.sha256)


def mailed_key() -> bytes:
    """Return the key of the codes that sign in and are mailed alone."""
    return hmac.digest(_server_key(), b"mailed alone", hashlib.sha256)


def by_second_key() -> bytes:
    """Return the key of the codes that sign in and are texted to a second number."""
    return hmac.digest(_server_key(), b"by second number", hashlib.sha256)


def authenticator_key() -> bytes:
    """Return the key from which the secrets of authenticator apps are derived."""
    return hmac.digest(_server_key(), b"authenticator", hashlib.sha256)


def stop_key() -> bytes:
    """Return the key from which the words in texts are derived that stop further ones."""
    return hmac.digest(_server_key(), b"stop", hashlib.sha256)


def link_key() -> bytes:
    """Return the key from which the words in the links of mails are derived."""
    return hmac.digest(_server_key(), b"link", hashlib.sha256)


def answer_key() -> bytes:
    """Return the key with which answers to secret questions are hashed."""
    return hmac.digest(_server_key(), b"secret answer", hashlib.sha256)


def pseudonym(kind: str, value: str) -> str:
    """Return a name for ``value`` in the ledger that only the server key leads back to it.

    64 hexadecimal digits. Raises botocore's errors.
    """
    key = hmac.digest(_server_key(), b"ledger", hashlib.sha256)
    return hmac.new(key, f"{kind} {value}".encode(), hashlib.sha256).hexdigest()
