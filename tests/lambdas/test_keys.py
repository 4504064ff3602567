import hmac
import time

import pytest
from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    ConnectTimeoutError,
    ReadTimeoutError,
)

from lambdas.triggers import environment, keys
from tests.lambdas import aws
from tests.wire import Reply, aws_error

# What `openssl dgst -sha256 -hmac SECRET` says of "code" and "ledger".
CODE_KEY = bytes.fromhex("9037ed6807487491093abafb734b3bf84bdc85eebef283a3ce77aa527ecf1cba")
LEDGER_KEY = bytes.fromhex("5e56b83fbc39762f3ca2a880a59b25f4590098658423ebab33730d8fc8dc89d5")


def test_code_key_is_derived_from_the_secret_that_the_variable_names(secrets_manager):
    secrets_manager.will(aws.KEY_READ)
    assert keys.code_key() == CODE_KEY
    assert secrets_manager.requests[0].operation == "GetSecretValue"
    assert secrets_manager.requests[0].json == {"SecretId": aws.SECRET_ID}


def test_keys_of_different_purposes_have_nothing_in_common(secrets_manager):
    secrets_manager.will(aws.KEY_READ)
    assert keys.proof_key() != keys.code_key()
    assert len(keys.proof_key()) == len(keys.code_key()) == 32


def test_code_key_is_read_once_per_process(secrets_manager):
    secrets_manager.will(aws.KEY_READ)
    assert keys.code_key() == keys.code_key()
    assert len(secrets_manager.requests) == 1


def test_code_key_short_secret_names_the_variable(secrets_manager):
    secrets_manager.will(Reply({"SecretString": "k" * 31}))
    with pytest.raises(environment.WrongEnvironment, match="CODE_KEY_SECRET_ID") as raised:
        keys.code_key()
    assert "kkk" not in str(raised.value)


def test_code_key_of_32_bytes_is_long_enough(secrets_manager):
    secrets_manager.will(Reply({"SecretString": "k" * 32}))
    assert keys.code_key() == hmac.digest(b"k" * 32, b"code", "sha256")


def test_code_key_variable_missing_is_named_and_nothing_asked(secrets_manager, monkeypatch):
    monkeypatch.delenv("CODE_KEY_SECRET_ID")
    with pytest.raises(environment.WrongEnvironment, match="CODE_KEY_SECRET_ID"):
        keys.code_key()
    assert secrets_manager.requests == []


@pytest.mark.parametrize("status", [400, 500, 503])
def test_code_key_refused_is_asked_for_once(secrets_manager, status):
    secrets_manager.will(aws_error("ThrottlingException", status=status))
    with pytest.raises(ClientError):
        keys.code_key()
    assert len(secrets_manager.requests) == 1


def test_code_key_connection_lost_is_asked_for_once(secrets_manager):
    secrets_manager.will(Reply(drop=True))
    with pytest.raises(ConnectionClosedError):
        keys.code_key()
    assert len(secrets_manager.requests) == 1


def test_code_key_hanging_service_is_given_up_soon(secrets_manager):
    secrets_manager.will(aws.HANGING)
    started = time.monotonic()
    with pytest.raises(ReadTimeoutError):
        keys.code_key()
    assert time.monotonic() - started < 2
    assert len(secrets_manager.requests) == 1


def test_code_key_unreachable_service_is_given_up_soon(secrets_manager, deaf, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL_SECRETS_MANAGER", deaf)
    started = time.monotonic()
    with pytest.raises(ConnectTimeoutError):
        keys.code_key()
    assert time.monotonic() - started < 1.5


def test_code_key_failure_is_not_remembered(secrets_manager):
    secrets_manager.will(aws_error("InternalServiceError", status=500), aws.KEY_READ)
    with pytest.raises(ClientError):
        keys.code_key()
    assert keys.code_key() == CODE_KEY


def test_pseudonym_is_the_hmac_of_kind_and_value(secrets_manager):
    secrets_manager.will(aws.KEY_READ)
    expected = hmac.digest(LEDGER_KEY, b"phone +12015550123", "sha256").hex()
    assert keys.pseudonym("phone", "+12015550123") == expected


def test_pseudonym_and_code_key_share_one_reading_of_the_secret(secrets_manager):
    secrets_manager.will(aws.KEY_READ)
    keys.pseudonym("phone", "+12015550123")
    keys.code_key()
    assert len(secrets_manager.requests) == 1


def test_pseudonym_of_one_value_differs_by_kind(secrets_manager):
    secrets_manager.will(aws.KEY_READ)
    kinds = ("phone", "block", "nobody")
    assert len({keys.pseudonym(kind, "+12015550123") for kind in kinds}) == 3


def test_pseudonym_needs_the_key(secrets_manager):
    secrets_manager.will(aws_error("InternalServiceError", status=500))
    with pytest.raises(ClientError):
        keys.pseudonym("phone", "+12015550123")


def test_pseudonym_of_another_secret_is_another(secrets_manager):
    secrets_manager.will(Reply({"SecretString": "k" * 64}))
    here = hmac.digest(LEDGER_KEY, b"phone +12015550123", "sha256").hex()
    assert keys.pseudonym("phone", "+12015550123") != here
