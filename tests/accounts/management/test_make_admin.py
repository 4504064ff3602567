import io

import pytest
from django.core.management import CommandError, call_command

from accounts.models import User
from tests.login_steps import CODE, answer, ask, who
from tests.wire import Reply, aws_error

pytestmark = pytest.mark.django_db


def make_admin(typed: str) -> str:
    output = io.StringIO()
    call_command("make_admin", typed, stdout=output, stderr=output)
    return output.getvalue()


def test_new_number_becomes_an_operator_here_and_in_cognito(pool, phone):
    make_admin(phone)
    assert pool.operations() == ["AdminCreateUser"]
    user = User.objects.get()
    assert (user.phone, user.sub) == (phone, pool.sub_of(phone))
    assert (user.is_staff, user.is_superuser, user.is_active) == (True, True, True)
    assert not user.has_usable_password()


def test_number_that_cognito_has_becomes_an_operator(pool, phone):
    sub = pool.register(phone)
    make_admin(phone)
    assert pool.operations() == ["AdminCreateUser", "AdminGetUser"]
    assert User.objects.get().sub == sub
    assert User.objects.get().is_staff


def test_person_who_signed_in_before_becomes_an_operator(pool, phone):
    known = User.objects.for_identity(pool.register(phone), phone, phone_verified=True)
    User.objects.update(is_active=False)
    make_admin(phone)
    user = User.objects.get()
    assert user.pk == known.pk
    assert (user.is_staff, user.is_superuser, user.is_active) == (True, True, True)
    assert (user.phone_verified, user.password) == (True, known.password)


def test_operator_made_twice_stays_one(pool, phone):
    make_admin(phone)
    make_admin(phone)
    assert User.objects.get().is_superuser


def test_number_may_be_typed_as_people_do(pool, phone):
    make_admin(f"({phone[2:5]}) {phone[5:8]}-{phone[8:]}")
    assert User.objects.get().phone == phone


def test_operator_signs_in_by_phone_and_gets_in(client, pool, phone):
    make_admin(phone)
    assert ask(client, phone, next="/admin/").url == CODE
    assert answer(client, pool.code()).url == "/admin/"
    assert client.get("/admin/").status_code == 200
    assert who(client).phone_verified


def test_only_the_masked_number_is_printed(pool, phone, caplog):
    said = make_admin(phone)
    assert said.count("\n") == 1
    assert f"+1••••••••{phone[-2:]} is an operator" in said
    assert phone[2:] not in said
    assert User.objects.get().sub not in said
    assert phone[2:] not in caplog.text


@pytest.mark.parametrize(
    "typed", ["", "abc", "+1", "+1800", "+49 1512 3456789", "+442079460000", "9" * 10_000, "\0"]
)
def test_bad_number_is_refused_in_one_line(pool, typed):
    with pytest.raises(CommandError) as refused:
        make_admin(typed)
    assert "\n" not in str(refused.value)
    assert len(str(refused.value)) < 200
    assert pool.operations() == []
    assert not User.objects.exists()


@pytest.mark.parametrize(
    "fault",
    [
        Reply(drop=True),
        Reply(b"<html>", 503),
        Reply({}),
        aws_error("AccessDeniedException", "not authorized"),
        aws_error("TooManyRequestsException"),
    ],
    ids=["away", "html", "empty", "denied", "throttled"],
)
@pytest.mark.parametrize("operation", ["AdminCreateUser", "AdminGetUser"])
def test_cognito_that_does_not_do_it_is_an_error_and_makes_nobody(pool, phone, operation, fault):
    pool.register(phone)
    pool.fails(operation, fault)
    with pytest.raises(CommandError, match="Cognito") as refused:
        make_admin(phone)
    assert "\n" not in str(refused.value)
    assert phone[2:] not in str(refused.value)
    assert not User.objects.exists()


def test_cognito_that_is_away_is_an_error(phone, settings):
    settings.AWS_ENDPOINT_URL = "http://127.0.0.1:9"
    with pytest.raises(CommandError, match="Unavailable"):
        make_admin(phone)
    assert not User.objects.exists()
