import logging

import pytest
from asgiref.sync import async_to_sync
from django.conf import settings as django_settings
from django.contrib import auth
from django.contrib.auth.models import Permission
from django.contrib.auth.signals import user_login_failed

from accounts.aws import tokens
from accounts.backends import CognitoBackend
from accounts.models import User
from tests.fakes.tokens import id_token, key_set
from tests.wire import Reply

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _keys(wire, settings):
    wire.will(Reply(key_set()))
    settings.COGNITO_JWKS_URL = wire.url


def test_good_token_of_a_stranger_makes_the_user(phone):
    token = id_token("sub-1", phone_number=phone, phone_number_verified=True)
    user = auth.authenticate(id_token=token, sub="sub-1")
    assert (user.sub, user.phone, user.phone_verified) == ("sub-1", phone, True)
    assert user.backend == "accounts.backends.CognitoBackend"


def test_good_token_of_somebody_known_finds_the_user(phone):
    known = User.objects.for_identity("sub-1", phone)
    token = id_token("sub-1", phone_number=phone)
    assert auth.authenticate(id_token=token, sub="sub-1") == known


def test_token_without_a_phone_keeps_the_phone(phone):
    User.objects.for_identity("sub-1", phone)
    user = auth.authenticate(id_token=id_token("sub-1"), sub="sub-1")
    assert user.phone == phone


@pytest.mark.parametrize(
    "token",
    [
        lambda: id_token("sub-2"),
        lambda: id_token("sub-1", signed_by="somebody"),
        lambda: id_token("sub-1", token_use="access"),
        lambda: id_token("sub-1", exp=1),
        lambda: "",
        lambda: "not.a.token",
    ],
    ids=["of another", "forged", "access", "expired", "empty", "garbage"],
)
def test_bad_token_is_nobody(token):
    assert auth.authenticate(id_token=token(), sub="sub-1") is None
    assert not User.objects.exists()


def test_token_is_not_judged_without_keys(settings):
    settings.COGNITO_JWKS_URL = "http://127.0.0.1:9/"
    with pytest.raises(tokens.KeysUnavailable):
        auth.authenticate(id_token=id_token("sub-1"), sub="sub-1")
    assert not User.objects.exists()


def test_user_who_is_not_active_is_refused(phone):
    User.objects.for_identity("sub-1", phone)
    User.objects.update(is_active=False)
    assert auth.authenticate(id_token=id_token("sub-1"), sub="sub-1") is None


def test_user_who_is_no_longer_active_is_signed_out(client, phone):
    user = User.objects.for_identity("sub-1", phone)
    client.force_login(user)
    assert client.get("/").status_code == 200
    User.objects.update(is_active=False)
    assert client.get("/").url == "/accounts/ended/?next=%2F"


@pytest.fixture
def with_password(phone) -> User:
    """Somebody who has a password all the same, whoever gave it."""
    user = User.objects.for_identity("sub-1", phone)
    user.set_password("correct horse")
    user.save()
    assert user.check_password("correct horse")
    return user


def credentials(user: User) -> list[dict[str, str]]:
    return [
        {"username": user.sub, "password": "correct horse"},
        {"username": user.phone, "password": "correct horse"},
        {"sub": user.sub, "password": "correct horse"},
        {"phone": user.phone, "password": "correct horse"},
        {"username": user.sub, "password": ""},
        {"sub": user.sub},
        {},
    ]


def test_password_signs_nobody_in(with_password):
    for each in credentials(with_password):
        assert auth.authenticate(**each) is None


def test_password_signs_nobody_in_asynchronously(with_password):
    for each in credentials(with_password):
        assert async_to_sync(auth.aauthenticate)(**each) is None


def test_backend_itself_takes_no_password_asynchronously(with_password):
    for each in credentials(with_password):
        with pytest.raises(TypeError, match="id_token"):
            async_to_sync(CognitoBackend().aauthenticate)(None, **each)


def test_token_signs_in_asynchronously(phone):
    token = id_token("sub-1", phone_number=phone)
    user = async_to_sync(auth.aauthenticate)(id_token=token, sub="sub-1")
    assert user.phone == phone


def test_token_is_the_only_way_in():
    assert django_settings.AUTHENTICATION_BACKENDS == ["accounts.backends.CognitoBackend"]
    [backend] = auth.get_backends()
    assert type(backend) is CognitoBackend


def test_permissions_are_those_of_django(phone):
    user = User.objects.for_identity("sub-1", phone)
    assert not user.has_perm("accounts.view_user")
    user.user_permissions.add(Permission.objects.get(codename="view_user"))
    assert User.objects.get().has_perm("accounts.view_user")


def test_signal_of_a_failure_carries_no_token():
    heard = []

    def hear(sender, credentials, request, **kwargs):
        heard.append(credentials)

    user_login_failed.connect(hear)
    try:
        token = id_token("somebody-else")
        assert auth.authenticate(id_token=token, sub="sub-1") is None
    finally:
        user_login_failed.disconnect(hear)
    [credentials] = heard
    assert set(credentials) == {"id_token", "sub"}
    assert token not in str(credentials)
    assert token.split(".")[1] not in str(credentials)


def test_log_of_a_failure_carries_no_token(caplog):
    logger = logging.getLogger("accounts")
    logger.addHandler(caplog.handler)
    try:
        token = id_token("somebody-else")
        auth.authenticate(id_token=token, sub="sub-1")
    finally:
        logger.removeHandler(caplog.handler)
    assert "ID token refused: Of somebody else" in caplog.text
    assert token.split(".")[1] not in caplog.text
