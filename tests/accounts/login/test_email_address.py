"""The e-mail address of somebody who is signed in, with Cognito and SiteTexts at the wire."""

import logging
import time
from dataclasses import replace

import pytest
from django.test import Client

from accounts import addresses
from accounts.login import pending
from accounts.models import SignInEvent, User
from tests.clock import seconds_later
from tests.fakes.site_texts import proof, sends_codes
from tests.fakes.user_pool import OUTAGE
from tests.pages import signed_in, text
from tests.wire import Reply, aws_error

pytestmark = pytest.mark.django_db

PAGE = "/accounts/email/"
CODE, RESEND, REMOVE, STORE = (f"{PAGE}{each}/" for each in ("code", "resend", "remove", "store"))
ADDRESS, RIGHT, WRONG = "ada@example.org", "123456", "654321"


@pytest.fixture
def aws(pool, settings, phone):
    sends_codes(pool, settings, RIGHT, channels="email")
    settings.ACCOUNTS_EMAIL = True
    return pool


@pytest.fixture
def user(aws, phone) -> User:
    return User.objects.for_identity(aws.register(phone), phone, phone_verified=True)


@pytest.fixture
def client(user) -> Client:
    return signed_in(user)


def ask(client: Client, address: str = ADDRESS):
    return client.post(PAGE, {"email": address})


def answer(client: Client, code: str = RIGHT):
    return client.post(CODE, {"code": code}, follow=True)


def kept(aws, user: User) -> tuple[str, str]:
    attributes = aws.attributes(user.sub)
    return attributes.get("email", ""), attributes.get("email_verified", "")


def events(kind: str = "email") -> list[tuple[str, str]]:
    return list(SignInEvent.objects.filter(kind=kind).values_list("reason", "phone").order_by("pk"))


def test_right_code_gives_the_account_its_address_and_tells_the_phone(client, aws, user):
    assert ask(client).url == CODE
    assert kept(aws, user) == ("", "")
    [asked] = aws.calls("prove")
    assert asked == {
        "action": "prove",
        "phone": user.phone,
        "user": user.sub,
        "language": "en",
        "purpose": "address",
        "channel": "email",
        "address": ADDRESS,
    }
    page = text(client.get(CODE))
    assert f'We sent it to <bdi dir="ltr">{ADDRESS}</bdi>' in page
    assert "K7F-2Q" in page
    done = answer(client)
    assert done.redirect_chain == [(PAGE, 302)]
    assert "you can have your code sent to this address" in text(done)
    assert f"<strong>{ADDRESS}</strong>" in text(done)
    assert kept(aws, user) == (ADDRESS, "true")
    assert [reason for reason, _ in events()] == ["set_up"]
    [told] = aws.calls("tell")
    assert (told["phone"], told["message"]) == (user.phone, "email_changed")
    assert ("new_address",) in SignInEvent.objects.filter(kind="sent").values_list("reason")


def test_wrong_code_costs_a_try_and_the_last_one_ends_it(client, aws, user):
    ask(client)
    assert "You have 2 tries left." in text(answer(client, WRONG))
    assert "You have 1 try left." in text(answer(client, "111111"))
    last = answer(client, "222222")
    assert last.redirect_chain == [(PAGE, 302)]
    assert "another e-mail comes with tries of its own" in text(last)
    assert answer(client).redirect_chain == [(PAGE, 302)]
    assert kept(aws, user) == ("", "")
    assert aws.calls("tell") == []


def test_code_that_is_too_old_is_refused(client, aws, user):
    ask(client)
    with seconds_later(301):
        assert "That code is too old." in text(answer(client))
    assert kept(aws, user) == ("", "")


def test_code_of_one_address_gives_no_other_that_was_typed_in_another_tab(client, aws, user):
    ask(client)
    ask(client, "eve@example.net")
    answer(client)
    assert aws.calls("check")[-1]["address"] == "eve@example.net"
    assert len(aws.calls("prove")) == 2


def test_page_of_an_earlier_tab_is_told_of_the_newer_address(client, aws, user):
    ask(client)
    attempt = pending.load(client.get(CODE).wsgi_request).attempt
    ask(client, "eve@example.net")
    page = text(client.post(CODE, {"code": RIGHT, "attempt": attempt}))
    assert "You have asked for another code since." in page
    assert aws.calls("check") == []


def test_same_address_again_right_away_sends_nothing(client, aws):
    ask(client)
    page = text(client.post(PAGE, {"email": ADDRESS}, follow=True))
    assert "We had already sent an e-mail" in page
    assert len(aws.calls("prove")) == 1


def test_another_mail_can_be_had_after_the_wait(client, aws):
    ask(client)
    early = client.post(RESEND)
    assert early.status_code == 429
    assert "too soon for another e-mail" in text(early)
    with seconds_later(31):
        again = client.post(RESEND, follow=True)
    assert "We have sent another e-mail." in text(again)
    assert len(aws.calls("prove")) == 2
    assert client.get(RESEND).url == CODE


def test_double_press_of_the_right_code_ends_where_the_first_did(client, aws, user):
    ask(client)
    answer(client)
    assert answer(client).redirect_chain == [(PAGE, 302)]
    assert len(aws.calls("tell")) == 1
    assert kept(aws, user) == (ADDRESS, "true")


@pytest.mark.parametrize("typed", ["", "ada", "ada@example", "a@b@c.org", "a b@example.org"])
def test_what_is_no_address_is_said_next_to_the_field(client, aws, typed):
    page = text(ask(client, typed))
    assert 'id="error_email"' in page
    assert "<title>Error:" in page
    assert aws.calls("prove") == []


def test_same_address_as_before_is_said(client, aws, user):
    aws.attributes(user.sub).update(email=ADDRESS, email_verified="true")
    assert "has that address already" in text(ask(client))
    assert aws.calls("prove") == []


def test_address_that_was_not_proven_is_none(client, aws, user):
    aws.attributes(user.sub).update(email=ADDRESS, email_verified="false")
    page = text(client.get(PAGE))
    assert "Your account has none." in page
    assert ADDRESS not in page
    assert ask(client).url == CODE


@pytest.mark.parametrize(
    ("delivery", "words"),
    [
        ("not_sent", "as many e-mails as we may"),
        ("over_budget", "as many e-mails as we may"),
        ("locked", "Too many wrong codes were typed here"),
        ("delayed", "got no answer"),
        ("misconfigured", "We could not send the e-mail."),
        ("throttled", "We could not send the e-mail."),
    ],
)
def test_mail_that_did_not_leave_is_said(client, aws, delivery, words):
    aws.functions["prove"] = lambda _: proof(delivery=delivery, channels="email")
    ask(client)
    page = text(client.get(CODE))
    assert words in page
    assert ("No e-mail was sent" in page) == (delivery != "delayed")
    assert "text" not in page.partition("<main")[2].partition("</main>")[0].replace(
        'type="text"', ""
    )


def test_function_that_is_away_is_said_and_nothing_is_lost(client, aws):
    aws.faults[""] = Reply(status=500)
    page = ask(client)
    assert page.status_code == 503
    assert page["Retry-After"] == "60"
    del aws.faults[""]
    assert ask(client).url == CODE


def test_cognito_that_is_away_keeps_the_proof_for_a_while(client, aws, user):
    ask(client)
    aws.faults["AdminUpdateUserAttributes"] = OUTAGE
    page = answer(client)
    assert page.status_code == 503
    assert "but it is not saved yet" in text(page)
    assert events() == []
    assert client.post(STORE).status_code == 503
    del aws.faults["AdminUpdateUserAttributes"]
    assert "this address" in text(client.post(STORE, follow=True))
    assert kept(aws, user) == (ADDRESS, "true")
    assert len(aws.calls("tell")) == 1


def test_proof_that_was_not_saved_lasts_some_minutes_and_needs_the_code(client, aws, user):
    ask(client)
    assert client.post(STORE).url == PAGE
    aws.faults["AdminUpdateUserAttributes"] = OUTAGE
    answer(client)
    del aws.faults["AdminUpdateUserAttributes"]
    with seconds_later(301):
        client.post(STORE)
    assert kept(aws, user) == ("", "")


def test_somebody_else_s_proof_in_the_same_browser_is_not_theirs(client, aws, user, make_phone):
    ask(client)
    request = client.get(CODE).wsgi_request
    found = pending.load(request)
    pending.store(request, replace(found, sub="other", proven=1, proven_at=time.time()))
    assert "not saved yet" not in text(client.get(PAGE))
    client.post(STORE)
    client.post(CODE, {"code": RIGHT})
    assert kept(aws, user) == ("", "")


def test_address_with_which_another_account_signs_in_is_refused(client, aws, user):
    ask(client)
    aws.faults["AdminUpdateUserAttributes"] = aws_error("AliasExistsException", "Already exists")
    page = text(answer(client))
    assert "Another account signs in with that address." in page
    assert "tries of its own" not in page
    assert "not saved yet" not in page
    assert client.post(STORE).url == PAGE
    assert aws.calls("tell") == []


def test_cognito_that_cannot_be_asked_shows_the_page_with_an_error(client, aws):
    aws.faults["AdminGetUser"] = OUTAGE
    page = client.get(PAGE)
    assert page.status_code == 503
    assert "Your account has none." not in text(page)
    assert ask(client).status_code == 503


def test_person_removes_the_address_and_the_phone_is_told(client, aws, user):
    aws.attributes(user.sub).update(email=ADDRESS, email_verified="true")
    assert client.get(REMOVE).url == PAGE
    page = client.post(REMOVE, follow=True)
    assert "has no e-mail address any more" in text(page)
    assert kept(aws, user) == ("", "")
    assert [reason for reason, _ in events()] == ["removed"]
    assert [each["message"] for each in aws.calls("tell")] == ["email_changed"]
    aws.faults["AdminUpdateUserAttributes"] = OUTAGE
    assert client.post(REMOVE).status_code == 503


@pytest.mark.parametrize("address", [PAGE, REMOVE])
def test_fresh_code_is_asked_for_first(client, aws, user, address):
    user.sessions.update(confirmed_at=None)
    for response in (client.get(address), client.post(address, {"email": ADDRESS})):
        assert response.status_code == 302
        assert response.url.startswith("/accounts/confirm/?next=")
    assert aws.calls("prove") == []
    assert "AdminUpdateUserAttributes" not in [each.operation for each in aws.requests]


@pytest.mark.parametrize("address", [PAGE, CODE, RESEND, REMOVE, STORE])
def test_strangers_are_sent_to_sign_in(aws, address):
    for method in ("get", "post"):
        assert getattr(Client(), method)(address).url.startswith("/accounts/login/?next=")


@pytest.mark.parametrize(
    ("setting", "value"),
    [("ACCOUNTS_EMAIL", False), ("TEXTS_FUNCTION", ""), ("COGNITO_USERNAME", "attribute")],
)
def test_there_is_no_page_where_no_mail_leaves_or_the_address_is_a_name(
    client, aws, settings, setting, value
):
    assert PAGE in text(client.get("/accounts/"))
    setattr(settings, setting, value)
    assert client.get(PAGE).status_code == 404
    assert client.post(REMOVE).status_code == 404
    assert PAGE not in text(client.get("/accounts/"))


def test_address_and_code_are_in_no_log_and_no_event(client, aws, user, caplog, monkeypatch):
    monkeypatch.setattr(logging.getLogger("accounts"), "propagate", True)
    with caplog.at_level("DEBUG"):
        ask(client)
        answer(client)
    ours = [each for each in caplog.records if each.name.partition(".")[0] == "accounts"]
    assert ours
    assert not [each for each in ours if ADDRESS in str(vars(each)) or RIGHT in each.getMessage()]
    assert not [each for each in SignInEvent.objects.values() if ADDRESS in str(each)]


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        (" ada@example.org ", "ada@example.org"),
        ("Ada@EXAMPLE.org", "Ada@example.org"),
        ("ada+site@example.co.uk", "ada+site@example.co.uk"),
        ("ada@bücher.example", "ada@xn--bcher-kva.example"),
    ],
)
def test_address_is_read_as_people_type_it(typed, read):
    assert addresses.parse(typed) == read


@pytest.mark.parametrize(
    "junk", ["ada@", "@example.org", "ada@" + "a" * 300 + ".org", "a\n@example.org", "ada@..org"]
)
def test_what_can_be_no_address_is_refused(junk):
    with pytest.raises(ValueError):  # noqa: PT011 - of several kinds
        addresses.parse(junk)


def test_address_is_masked():
    assert addresses.mask("ada@example.org") == "a…@example.org"
    assert addresses.mask("") == ""
