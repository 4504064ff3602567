"""The pages and steps of changing one's own number, against functions and a Cognito at the wire."""

import json
import logging
import re
from datetime import timedelta

import pytest
from django.core.handlers.base import BaseHandler
from django.http import HttpResponse
from django.test import Client, RequestFactory
from django.utils import timezone

from accounts import operations, phones
from accounts.events import sign_ins
from accounts.login import lock
from accounts.models import Operation, Return, SignInEvent, User
from accounts.views import phone_cookie
from tests.clock import seconds_later
from tests.concurrency import at_once, database_in_a_file
from tests.fakes.sign_in_pool import SignInPool
from tests.fakes.site_texts import DOWN, proof, sends_codes
from tests.pages import signed_in, text
from tests.wire import Reply, aws_error

pytestmark = [pytest.mark.django_db, pytest.mark.pages]

PHONE, NEW = "+12015550123", "+12025550187"
START, CODE, RESEND, CANCEL, TAKEN, CHANGED = (
    f"/accounts/number/{step}" for step in ("", "code/", "resend/", "cancel/", "taken/", "changed/")
)
WANTED = "/accounts/number/wanted/"
RIGHT = "483920"


@pytest.fixture
def aws(pool, user, settings) -> SignInPool:
    """The user pool, which knows this user alone, and the function of texts."""
    pool.add(user.sub, user.phone)
    sends_codes(pool, settings, RIGHT)
    return pool


@pytest.fixture
def user(db) -> User:
    return User.objects.for_identity("sub-of-a-person", PHONE, phone_verified=True)


@pytest.fixture
def client(aws, user) -> Client:
    return signed_in(user)


@pytest.fixture
def caplog(caplog, monkeypatch) -> pytest.LogCaptureFixture:
    """With what the site writes to its console alone."""
    monkeypatch.setattr(logging.getLogger("accounts"), "propagate", True)
    return caplog


def ask(client: Client, phone: str = NEW):
    return client.post(START, {"phone": phone})


def answer(client: Client, code: str = RIGHT):
    return client.post(CODE, {"code": code})


def test_new_number_is_texted_a_code_for_this_user_in_the_language_of_the_page(client, aws, user):
    assert ask(client, "(202) 555-0187").url == CODE
    [event] = aws.calls("prove")
    assert event == {
        "action": "prove",
        "phone": NEW,
        "user": user.sub,
        "language": "en",
        "purpose": "change_number",
        "channel": "text",
    }
    said = text(client.get(CODE))
    assert f'We sent it to <bdi dir="ltr">{phones.spaced(NEW)}</bdi>' in said
    assert "K7F-2Q" in said


def test_right_code_changes_the_number_in_cognito_and_here(client, aws, user):
    ask(client)
    assert answer(client).url == CHANGED
    [check] = aws.calls("check")
    assert (check["phone"], check["user"], check["code"]) == (NEW, user.sub, RIGHT)
    [update] = [each for each in aws.requests if each.operation == "AdminUpdateUserAttributes"]
    assert update.json["Username"] == user.sub
    assert update.json["UserAttributes"] == [
        {"Name": "phone_number", "Value": NEW},
        {"Name": "phone_number_verified", "Value": "true"},
    ]
    user.refresh_from_db()
    assert user.phone == NEW
    assert aws.calls("tell") == [
        {"action": "tell", "phone": PHONE, "message": "number_changed", "language": "en"}
    ]


def remembered_after_the_change(client: Client, kept: str) -> str:
    """Change the number in a browser that keeps ``kept``, and return what it keeps then."""
    response = HttpResponse()
    phone_cookie.store(response, kept)
    client.cookies["phone"] = response.cookies["phone"].value
    ask(client)
    answer(client)
    client.get(CHANGED)
    request = RequestFactory().get("/")
    request.COOKIES["phone"] = client.cookies["phone"].value
    return phone_cookie.load(request)


def test_number_that_the_browser_remembers_follows_the_change(client, user):
    sign_ins.record(sign_ins.Kind.SUCCEEDED, RequestFactory().get("/"), user=user, phone=PHONE)
    assert remembered_after_the_change(client, PHONE) == NEW


def test_number_of_somebody_else_stays_remembered(client, user):
    theirs = User.objects.for_identity("sub-of-another", "+12015550199")
    sign_ins.record(
        sign_ins.Kind.SUCCEEDED, RequestFactory().get("/"), user=theirs, phone=theirs.phone
    )
    assert remembered_after_the_change(client, theirs.phone) == theirs.phone


def test_number_that_nobody_wanted_remembered_is_not(client):
    ask(client)
    answer(client)
    client.get(CHANGED)
    assert "phone" not in client.cookies


def test_number_remembered_waits_with_a_change_that_waits(client, user, aws):
    sign_ins.record(sign_ins.Kind.SUCCEEDED, RequestFactory().get("/"), user=user, phone=PHONE)
    aws.faults["AdminUpdateUserAttributes"] = Reply({}, 500)
    assert remembered_after_the_change(client, PHONE) == PHONE
    aws.faults.clear()
    with seconds_later(31):
        operations.run_due()
    client.get(CHANGED)
    assert client.cookies["phone"].value.startswith(NEW)


def test_old_number_is_told_after_the_answer_has_left(client, aws):
    """Nobody waits for that text, and a failure of it is nobody's."""
    aws.faults["tell"] = DOWN
    ask(client)
    request = RequestFactory().post(CODE, {"code": RIGHT})
    request.COOKIES = {name: morsel.value for name, morsel in client.cookies.items()}
    # As django.test.Client does, whose responses are closed before a test sees them.
    request._dont_enforce_csrf_checks = True
    handler = BaseHandler()
    handler.load_middleware()
    response = handler.get_response(request)
    assert response.url == CHANGED
    assert aws.calls("tell") == []
    response.close()
    assert len(aws.calls("tell")) == 1
    assert Operation.objects.get().is_done


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("", "Type your mobile number"),
        ("1-800-FLOWERS", "Enter a valid mobile number"),
        ("+4915112345678", "cannot text that country"),
        (PHONE, "That is your number already"),
        ("(201) 555-0123", "That is your number already"),
    ],
)
def test_number_that_cannot_be_the_new_one_is_an_error_of_the_field(client, aws, typed, words):
    said = text(ask(client, typed))
    assert 'aria-invalid="true"' in said
    assert words in said
    assert aws.requests == []


@pytest.mark.parametrize("address", [START, CODE, TAKEN, CHANGED])
def test_nobody_signed_in_is_sent_to_sign_in(aws, address):
    for response in (Client().get(address), Client().post(address, {"phone": NEW})):
        assert response.url.startswith("/accounts/login/")
    assert aws.requests == []


@pytest.mark.parametrize("address", [CODE, RESEND, TAKEN, CHANGED])
def test_step_without_a_change_under_way_leads_to_the_start(client, address):
    response = client.get(address, follow=True)
    assert "New mobile number" in text(response)


def test_same_number_again_within_the_cooldown_texts_nothing(client, aws):
    ask(client)
    assert ask(client).url == CODE
    assert len(aws.calls("prove")) == 1
    with seconds_later(31):
        ask(client)
    assert len(aws.calls("prove")) == 2


@pytest.mark.parametrize(
    ("delivery", "words"),
    [
        ("opted_out", "opted out of our texts"),
        ("landline", "takes no text messages"),
        ("provider_down", "The fault is ours"),
    ],
)
def test_text_that_was_refused_is_said_and_written_down(client, aws, delivery, words):
    aws.functions["prove"] = lambda _: proof(delivery=delivery)
    ask(client)
    said = text(client.get(CODE))
    assert words in said
    assert "We sent it" not in said
    [event] = SignInEvent.objects.all()
    assert (event.kind, event.reason, event.reference) == ("blocked", delivery, "K7F-2Q")


def test_texts_out_of_order_are_said_with_a_reference_and_nothing_is_lost(client, aws):
    aws.faults["prove"] = DOWN
    response = ask(client)
    assert response.status_code == 503
    [event] = SignInEvent.objects.all()
    assert (event.kind, event.reason) == ("failed", "unavailable")
    assert event.reference in text(response)
    assert 'value="+12025550187"' in text(response)


def test_check_out_of_order_costs_no_try(client, aws, settings):
    settings.ACCOUNTS_WRONG_CODES = "1/hour"
    ask(client)
    aws.faults["check"] = DOWN
    assert answer(client).status_code == 503
    aws.faults.clear()
    assert answer(client).url == CHANGED


def test_texts_function_that_is_missing_is_said_and_logged(client, settings, caplog):
    settings.TEXTS_FUNCTION = ""
    assert ask(client).status_code == 503
    assert "TEXTS_FUNCTION is not set" in caplog.text


def test_code_that_is_too_old_is_said_and_not_checked(client, aws):
    ask(client)
    with seconds_later(301):
        assert "too old" in text(answer(client))
    assert aws.calls("check") == []


def test_code_that_cannot_be_one_is_not_checked(client, aws):
    ask(client)
    assert "has 6 digits" in text(answer(client, "12"))
    assert aws.calls("check") == []


def test_longer_code_is_asked_for_under_attack(client, aws):
    aws.functions["prove"] = lambda _: proof(code_length=8)
    ask(client)
    assert "8-digit code" in text(client.get(CODE))


def test_too_much_from_one_network_is_refused(client, aws, settings):
    settings.ACCOUNTS_SENDS = "1/hour"
    ask(client)
    refused = ask(client, "+12025550188")
    assert refused.status_code == 429
    settings.ACCOUNTS_SENDS = "10/hour"
    settings.ACCOUNTS_WRONG_CODES = "1/hour"
    answer(client, "000001")
    assert answer(client, "000002").status_code == 429
    assert len(aws.calls("check")) == 1


def test_right_code_costs_the_network_nothing(client, aws, settings):
    settings.ACCOUNTS_WRONG_CODES = "1/hour"
    ask(client)
    assert answer(client).url == CHANGED
    ask(client, "+12025550188")
    assert "not the code" in text(answer(client, "000001"))


def test_number_that_has_another_owner_here_is_taken_once_proven(client, aws, user):
    other = User.objects.for_identity("sub-of-another", NEW)
    ask(client)
    assert answer(client).url == TAKEN
    assert "account of its own" in text(client.get(TAKEN))
    # The code was right.
    assert "cannot be used here any more" not in text(client.get(START))
    other.refresh_from_db()
    user.refresh_from_db()
    assert (user.phone, other.phone) == (PHONE, NEW)
    assert "AdminUpdateUserAttributes" not in aws.operations()


def taken_from(client: Client, aws: SignInPool, *, days: int) -> User:
    """Prove a number that an account has which was last used so many days ago."""
    other = User.objects.for_identity("sub-of-another", NEW)
    User.objects.filter(pk=other.pk).update(last_login=timezone.now() - timedelta(days=days))
    ask(client)
    assert answer(client).url == TAKEN
    return other


def test_number_of_a_dormant_account_may_be_asked_for(client, aws, user):
    other = taken_from(client, aws, days=500)
    assert WANTED in text(client.get(TAKEN))
    for _ in range(2):
        assert client.post(WANTED).url == TAKEN
    row = Return.objects.get()
    assert (row.user, row.other, row.kind) == (other, user, "move")
    said = text(client.get(TAKEN))
    assert "You have asked those who run this site" in said
    assert row.reference in said
    assert WANTED not in said
    # Nothing has changed yet.
    other.refresh_from_db()
    assert other.phone == NEW


def test_number_of_an_account_in_use_may_not_be_asked_for(client, aws):
    taken_from(client, aws, days=1)
    assert WANTED not in text(client.get(TAKEN))
    assert client.post(WANTED).url == TAKEN
    assert not Return.objects.exists()


def test_number_that_nobody_proved_may_not_be_asked_for(client, aws):
    other = User.objects.for_identity("sub-of-another", NEW)
    User.objects.filter(pk=other.pk).update(last_login=timezone.now() - timedelta(days=500))
    assert client.get(WANTED).url == TAKEN
    client.post(WANTED)
    ask(client)
    client.post(WANTED)
    assert not Return.objects.exists()


def test_number_that_has_another_owner_in_cognito_is_taken_once_proven(client, aws, user):
    aws.add("sub-of-another", NEW)
    ask(client)
    assert answer(client).url == TAKEN
    assert "AdminUpdateUserAttributes" not in aws.operations()


def test_number_that_is_taken_at_the_last_moment_is_refused_by_cognito(client, aws, user):
    aws.faults["AdminUpdateUserAttributes"] = aws_error("AliasExistsException")
    ask(client)
    assert answer(client).url == TAKEN
    user.refresh_from_db()
    assert user.phone == PHONE


def test_owner_that_cannot_be_looked_up_leaves_the_last_word_to_cognito(client, aws, user):
    aws.faults["AdminGetUser"] = aws_error("InternalErrorException", status=500)
    ask(client)
    assert answer(client).url == CHANGED
    user.refresh_from_db()
    assert user.phone == NEW


def test_number_that_is_the_users_in_cognito_already_is_noted_here(client, aws, user):
    """Somebody changed it there, and only we do not know."""
    aws.change(user.sub, phone_number=NEW)
    ask(client)
    assert answer(client).url == CHANGED


def test_change_that_waits_is_said_and_not_asked_for_twice(client, aws, user):
    aws.faults["AdminUpdateUserAttributes"] = aws_error("InternalErrorException", status=500)
    ask(client)
    answer(client)
    assert "will be changed" in text(client.get(CHANGED))
    assert "still under way" in text(client.get(START))
    assert aws.calls("tell") == []


def test_change_of_another_user_is_not_carried_on_in_this_browser(client, aws, user):
    """The cookie of a browser may outlive its person."""
    ask(client)
    session = client.session
    session["accounts.pending"] = session["accounts.pending"] | {"sub": "sub-of-another"}
    session.save()
    assert answer(client).url == START
    assert aws.calls("check") == []


def test_sign_in_that_is_under_way_is_no_change_of_number(client, aws):
    ask(client)
    session = client.session
    session["accounts.pending"] = session["accounts.pending"] | {"purpose": "confirm"}
    session.save()
    assert answer(client).url == START


def test_code_and_whole_number_are_in_no_log_and_no_event(client, aws, caplog):
    caplog.set_level(logging.DEBUG, "accounts")
    ask(client)
    answer(client, "000001")
    answer(client)
    rows = [*SignInEvent.objects.values(), *Operation.objects.values()]
    seen = caplog.text + json.dumps(rows, default=str)
    assert RIGHT not in seen
    assert NEW not in seen


@pytest.mark.django_db(transaction=True)
def test_right_code_twice_at_once_is_checked_once_and_ends_alike(client, aws, tmp_path):
    with database_in_a_file(tmp_path):
        ask(client)
        twin = Client()
        twin.cookies = client.cookies
        pages = at_once(lambda: answer(client), lambda: answer(twin))
    assert [response.url for response in pages] == [CHANGED, CHANGED]
    assert len(aws.calls("check")) == 1
    assert aws.operations().count("AdminUpdateUserAttributes") == 1


def test_cancel_that_waits_too_long_for_another_request_is_a_503_page(client, aws, monkeypatch):
    ask(client)
    monkeypatch.setattr(lock, "_PATIENCE", 0.1)
    with lock.hold(client.get(CODE).wsgi_request):
        assert client.post(CANCEL).status_code == 503
    assert client.post(CANCEL).url == "/"


def test_pages_need_no_inline_script_or_style(client, aws):
    ask(client)
    for address in (START, CODE):
        assert not re.search(r"<script(?! src)|<style| style=| on\w+=", text(client.get(address)))
