"""People who use the site, looked up again in a user pool at the wire."""

import pytest
from django.contrib import auth
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from accounts import middleware
from accounts.aws import cognito
from accounts.models import Session, SignInEvent, User
from accounts.models.users import DELETED
from accounts.sync import revalidation
from tests.accounts.operators import again
from tests.clock import seconds_later
from tests.concurrency import at_once, database_in_a_file
from tests.fakes.tokens import id_token, key_set
from tests.fakes.user_pool import OUTAGE, THROTTLED
from tests.login_steps import is_signed_in
from tests.pages import signed_in
from tests.wire import Reply, WireServer, aws_error

pytestmark = pytest.mark.django_db

INTERVAL = 900


@pytest.fixture
def person(phone, pool) -> User:
    pool.add("sub-1", phone)
    return not_yet_compared(User.objects.for_identity("sub-1", phone, phone_verified=True))


@pytest.fixture
def visitor(person) -> Client:
    return signed_in(person)


def not_yet_compared(user: User) -> User:
    user.checked_at = None
    user.save()
    return user


# When Cognito is asked


def test_person_is_asked_about_once_per_interval(pool, visitor, person):
    # Signing in was Cognito's word on them.
    User.objects.filter(pk=person.pk).update(last_login=timezone.now(), checked_at=None)
    assert is_signed_in(visitor)
    with seconds_later(INTERVAL - 60):
        assert is_signed_in(visitor)
    assert pool.asked_about() == []
    for times in (1, 2, 3):
        with seconds_later(times * (INTERVAL + 1)):
            for _ in range(3):
                assert is_signed_in(visitor)
        assert pool.asked_about() == ["sub-1"] * times


def test_interval_is_that_of_the_settings(pool, visitor, settings):
    settings.ACCOUNTS_REVALIDATE_SECONDS = 60
    with seconds_later(61):
        assert is_signed_in(visitor)
    assert len(pool.asked_about()) == 1


def test_page_does_not_wait_for_the_answer(pool, person, rf):
    handle = middleware.work_after_response(middleware.revalidate(lambda request: HttpResponse()))
    request = rf.get("/")
    request.session_user = person
    response = handle(request)
    assert pool.requests == []
    response.close()
    assert pool.asked_about() == ["sub-1"]


def test_stranger_and_page_that_asks_for_nobody_cause_no_question(pool, visitor, client):
    with seconds_later(INTERVAL + 1):
        assert client.get("/").status_code == 302
        assert visitor.get("/healthz").status_code == 200
    assert pool.requests == []


def test_user_of_another_pool_is_left_alone(pool, person):
    User.objects.update(pool="eu-west-1_Elsewhere")
    assert not revalidation.due(again(person))


@pytest.mark.django_db(transaction=True)
def test_parallel_requests_ask_once(pool, person, tmp_path, monkeypatch):
    monkeypatch.setattr(revalidation, "_AT_ONCE", 8)
    with database_in_a_file(tmp_path):
        at_once(*[lambda: revalidation.check(person)] * 8)
        assert pool.asked_about() == ["sub-1"]


def test_check_costs_a_fixed_number_of_queries(pool, person, django_assert_num_queries):
    revalidation.check(person)
    User.objects.update(checked_at=None)
    person = again(person)
    # Be the one who asks, a transaction, the rows concerned.
    with django_assert_num_queries(4):
        revalidation.check(person)


# What Cognito says


def test_what_cognito_says_is_taken_over(pool, person):
    pool.change("sub-1", phone_number=person.phone[:-4] + "7777", phone_number_verified="false")
    pool.change("sub-1", UserStatus="CONFIRMED")
    revalidation.check(person)
    found = again(person)
    assert found.phone == person.phone == pool.users["sub-1"]["attributes"]["phone_number"]
    assert (found.phone_verified, found.cognito_status) == (False, "CONFIRMED")
    assert found.cognito_enabled is True


def test_number_that_another_row_had_moves(pool, person):
    other = not_yet_compared(User.objects.for_identity("sub-2", person.phone[:-4] + "7777"))
    pool.change("sub-1", phone_number=other.phone)
    revalidation.check(person)
    assert (again(person).phone, again(other).phone) == (other.phone, None)
    assert User.objects.count() == 2


def test_two_who_change_numbers_with_each_other_keep_their_rows(pool, person):
    other = User.objects.for_identity(pool.add("sub-2", None), person.phone[:-4] + "7777")
    not_yet_compared(other)
    pool.change("sub-1", phone_number=other.phone)
    pool.change("sub-2", phone_number=person.phone)
    before = (person.phone, other.phone)
    revalidation.check(person)
    revalidation.check(other)
    assert (again(other).phone, again(person).phone) == before


@pytest.mark.parametrize("phone", [None, "+" + "9" * 30])
def test_number_that_is_none_is_no_number(pool, person, phone):
    pool.add("sub-1", phone)
    revalidation.check(person)
    assert again(person).phone is None


@pytest.mark.parametrize("deed", ["disabled", "deleted"])
def test_person_who_was_disabled_or_deleted_loses_the_session(pool, visitor, person, deed):
    row = Session.objects.create(session_key="k", user=person, expire_date=timezone.now())
    assert is_signed_in(visitor)
    if deed == "disabled":
        pool.change("sub-1", Enabled=False)
    else:
        del pool.users["sub-1"]
    assert is_signed_in(visitor)
    with seconds_later(INTERVAL + 1):
        # This one lets Cognito be asked, after it was served.
        visitor.get("/")
        assert not is_signed_in(visitor)
        assert not is_signed_in(visitor)
    found = again(person)
    assert (found.cognito_enabled, found.is_active) == (False, True)
    assert (found.cognito_status == DELETED) is (deed == "deleted")
    row.refresh_from_db()
    assert (row.ended_why, row.ended_at is not None) == (Session.Ended.SHUT_OUT, True)
    told = SignInEvent.objects.filter(user=person, kind="signed_out")
    reason = "refused" if deed == "disabled" else "unknown"
    assert [event.reason for event in told] == [reason] * 2


def test_sessions_of_others_go_on(pool, person, phone):
    other = not_yet_compared(User.objects.for_identity(pool.add("sub-2", None), None))
    row = Session.objects.create(session_key="k", user=other, expire_date=timezone.now())
    pool.change("sub-1", Enabled=False)
    revalidation.check(person)
    row.refresh_from_db()
    assert row.ended_at is None


def test_operator_who_left_the_group_is_none_at_the_next_look(pool, person, settings):
    settings.ACCOUNTS_STAFF_GROUP = "operators"
    User.objects.update(is_staff=True)
    pool.groups["sub-1"] = ["operators"]
    revalidation.check(again(person))
    assert again(person).is_staff
    pool.groups["sub-1"] = []
    with seconds_later(INTERVAL + 1):
        revalidation.check(again(person))
    assert not again(person).is_staff


def test_groups_are_not_asked_for_where_they_mean_nothing(pool, person):
    User.objects.update(is_staff=True)
    revalidation.check(again(person))
    assert pool.operations() == ["AdminGetUser"]


# In again


@pytest.fixture
def keys(settings):
    server = WireServer()
    server.will(Reply(key_set()))
    settings.COGNITO_JWKS_URL = server.url
    yield
    server.close()


def sign_in() -> User | None:
    return auth.authenticate(id_token=id_token("sub-1"), sub="sub-1")


def test_person_whom_cognito_enabled_again_signs_in_again(pool, person, keys):
    pool.change("sub-1", Enabled=False)
    revalidation.check(person)
    # The token may have been issued before that.
    assert sign_in() is None
    pool.change("sub-1", Enabled=True)
    assert sign_in() == person
    assert again(person).cognito_enabled is True


def test_person_who_was_deleted_stays_out_with_an_old_token(pool, person, keys):
    del pool.users["sub-1"]
    revalidation.check(person)
    assert sign_in() is None
    assert again(person).cognito_status == DELETED


def test_enabled_in_cognito_but_shut_out_here_stays_out(pool, person, keys):
    User.objects.update(is_active=False, cognito_enabled=False)
    assert sign_in() is None
    assert again(person).is_active is False


def test_sign_in_after_a_shut_out_says_so_when_cognito_cannot_be_asked(pool, person, keys):
    User.objects.update(cognito_enabled=False)
    pool.faults["AdminGetUser"] = OUTAGE
    with pytest.raises(cognito.Unavailable):
        sign_in()


def test_usual_sign_in_asks_nothing(pool, person, keys):
    assert sign_in() == person
    assert pool.requests == []


# What cannot be asked


NONSENSE = {
    "outage": OUTAGE,
    "throttled": THROTTLED,
    "hung up": Reply(drop=True),
    "no JSON": Reply(b"<html>"),
    "empty": Reply({}),
    "a list": Reply([]),
    "no permission": aws_error("AccessDeniedException", "no"),
    "no pool": aws_error("ResourceNotFoundException", "User pool does not exist."),
    "of somebody else": Reply(
        {
            "Username": "sub-2",
            "UserAttributes": [{"Name": "sub", "Value": "sub-2"}],
            "UserCreateDate": 1,
            "UserLastModifiedDate": 1,
            "Enabled": False,
            "UserStatus": "CONFIRMED",
        }
    ),
}


@pytest.mark.parametrize("reply", NONSENSE.values(), ids=NONSENSE)
def test_answer_that_is_none_signs_nobody_out(pool, visitor, person, reply):
    pool.faults["AdminGetUser"] = reply
    with seconds_later(INTERVAL + 1):
        for _ in range(3):
            assert is_signed_in(visitor)
    assert len(pool.requests) == 1
    found = again(person)
    assert (found.phone, found.cognito_enabled, found.cognito_status) == (person.phone, True, "")


def test_outage_is_tried_again_after_a_minute_not_at_every_request(pool, visitor, person):
    pool.faults["AdminGetUser"] = OUTAGE
    for seconds, tries in ((0, 1), (30, 1), (61, 2), (90, 2), (125, 3)):
        revalidation._asking.reset()
        with seconds_later(INTERVAL + 1 + seconds):
            for _ in range(3):
                assert is_signed_in(visitor)
        assert len(pool.requests) == tries
    pool.faults.clear()
    pool.change("sub-1", Enabled=False)
    revalidation._asking.reset()
    with seconds_later(INTERVAL + 1 + 190):
        visitor.get("/")
        assert not is_signed_in(visitor)


def test_after_a_failure_nobody_is_asked_about_for_a_moment(pool, person):
    others = [
        not_yet_compared(User.objects.for_identity(pool.add(f"sub-{n}", None), None))
        for n in range(2, 6)
    ]
    pool.faults["AdminGetUser"] = OUTAGE
    revalidation.check(person)
    for other in others:
        revalidation.check(other)
    assert pool.asked_about() == ["sub-1"]
    assert all(again(other).checked_at is None for other in others)
    revalidation._asking.reset()
    revalidation.check(others[0])
    assert pool.asked_about() == ["sub-1", "sub-2"]


def test_cognito_that_hangs_holds_up_two_threads_and_no_more(pool, person):
    assert all(revalidation._asking.may_start() for _ in range(2))
    try:
        revalidation.check(person)
        assert pool.requests == []
    finally:
        revalidation._asking.end()
        revalidation._asking.end()
    revalidation.check(person)
    assert len(pool.requests) == 1


def test_log_of_a_failure_holds_no_phone(pool, person, caplog):
    pool.faults["AdminGetUser"] = aws_error("InvalidParameterException", f"Bad {person.phone}")
    revalidation.check(person)
    assert "Could not compare sub-1 with Cognito" in caplog.text
    assert person.phone[1:] not in caplog.text
