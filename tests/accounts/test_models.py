import re

import pytest
from django.core import serializers

from accounts.models import User
from tests.concurrency import at_once, database_in_a_file

pytestmark = pytest.mark.django_db


def test_first_sight_makes_one_row(phone):
    user = User.objects.for_identity("sub-1", phone)
    assert User.objects.get() == user
    user.refresh_from_db()
    assert (user.sub, user.phone, user.phone_verified) == ("sub-1", phone, False)
    assert (user.is_staff, user.is_superuser, user.is_active) == (False, False, True)


def test_second_sight_finds_the_same_row(phone):
    first = User.objects.for_identity("sub-1", phone)
    assert User.objects.for_identity("sub-1", phone) == first
    assert User.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_first_logins_at_once_make_one_row(phone, tmp_path):
    with database_in_a_file(tmp_path):
        found = at_once(*[lambda: User.objects.for_identity("sub-1", phone)] * 6)
        assert {user.pk for user in found} == {User.objects.get().pk}
        assert len({user.password for user in found}) == 1


@pytest.mark.django_db(transaction=True)
def test_two_identities_with_one_phone_at_once_make_two_rows(phone, tmp_path):
    with database_in_a_file(tmp_path):
        at_once(
            lambda: User.objects.for_identity("sub-1", phone),
            lambda: User.objects.for_identity("sub-2", phone),
        )
        assert User.objects.count() == 2
        assert User.objects.filter(phone=phone).count() == 1


def test_phone_that_another_identity_had_moves_and_the_rows_stay_apart(phone):
    old = User.objects.for_identity("sub-old", phone, phone_verified=True)
    User.objects.filter(sub="sub-old").update(is_staff=True)
    new = User.objects.for_identity("sub-new", phone)
    old.refresh_from_db()
    assert (old.sub, old.phone, old.is_staff) == ("sub-old", None, True)
    assert (new.phone, new.is_staff, new.pk != old.pk) == (phone, False, True)


def test_phone_comes_back_to_whom_it_was_taken_from(phone):
    for sub in ("sub-1", "sub-2", "sub-1"):
        User.objects.for_identity(sub, phone)
    assert User.objects.get(phone=phone).sub == "sub-1"
    assert User.objects.get(sub="sub-2").phone is None


def test_new_phone_of_an_identity_is_kept(phone):
    User.objects.for_identity("sub-1", phone)
    other = phone[:-4] + "9999"
    user = User.objects.for_identity("sub-1", other, phone_verified=True)
    user.refresh_from_db()
    assert (user.phone, user.phone_verified) == (other, True)
    assert User.objects.count() == 1


def test_identity_without_a_phone_keeps_the_one_we_know(phone):
    User.objects.for_identity("sub-1", phone)
    user = User.objects.for_identity("sub-1", None)
    user.refresh_from_db()
    assert user.phone == phone


def test_identities_without_any_phone_stay_apart():
    one = User.objects.for_identity("sub-1", None)
    two = User.objects.for_identity("sub-2", None)
    assert one != two
    assert (one.phone, str(one)) == (None, "sub-1")


def test_nobody_has_a_usable_password(phone):
    user = User.objects.for_identity("sub-1", phone)
    assert not user.has_usable_password()
    for guess in ("", "!", user.password, user.password[1:]):
        assert not user.check_password(guess)


def test_session_hash_differs_from_user_to_user(phone):
    one = User.objects.for_identity("sub-1", phone)
    two = User.objects.for_identity("sub-2", None)
    assert one.get_session_auth_hash() != two.get_session_auth_hash()
    again = User.objects.get(pk=one.pk)
    assert again.get_session_auth_hash() == one.get_session_auth_hash()


def test_signing_in_again_does_not_end_other_sessions(phone):
    before = User.objects.for_identity("sub-1", phone).get_session_auth_hash()
    after = User.objects.for_identity("sub-1", None, phone_verified=True).get_session_auth_hash()
    assert after == before


def test_create_superuser_refuses_and_says_what_to_do_instead():
    with pytest.raises(NotImplementedError, match="make_admin"):
        User.objects.create_superuser(sub="sub-1", password="secret")
    assert not User.objects.exists()


def test_text_of_a_user_is_the_phone(phone):
    assert str(User.objects.for_identity("sub-1", phone)) == f"+1••••••••{phone[-2:]}"


def test_rows_hold_no_token_and_no_code(phone):
    User.objects.for_identity("sub-1", phone)
    stored = serializers.serialize("python", User.objects.all())[0]["fields"]
    assert set(stored) == {
        "password",
        "last_login",
        "app_opens_admin",
        "is_superuser",
        "sub",
        "phone",
        "phone_verified",
        "second_phone",
        "browsers_forgotten_at",
        "is_staff",
        "is_active",
        "date_joined",
        "pool",
        "name",
        "cognito_status",
        "cognito_enabled",
        "checked_at",
        "held_until",
        "sharing",
        "sharing_at",
        "devices_in_week",
        "overlaps_in_week",
        "crossed_in_week",
        "number_type",
        "number_type_of",
        "number_type_at",
        "number_allowed",
        "passkey_offered_at",
        "has_copied_passkey",
        "recovery_until",
        "time_zone",
        "groups",
        "user_permissions",
    }
    assert re.fullmatch(r"!\w{40}", stored["password"])
