"""What the pages say, offer and keep in each state of a sign-in."""

import re
import time
from datetime import timedelta

import pytest
import time_machine
from django.conf import settings
from django.test import Client
from django.utils import timezone

from accounts import phones, sessions
from accounts.models import Session, SignInEvent
from lambdas.triggers import messages
from tests.fakes.sign_in_pool import further_step
from tests.login_steps import CODE, LOGIN, LOGOUT, RESEND, answer, ask
from tests.wire import Reply

pytestmark = [pytest.mark.django_db, pytest.mark.pages]

FORGET, LANGUAGE = "/accounts/login/forget/", "/accounts/language/"
NUMBER = "/accounts/number/"


def text(page) -> str:
    return re.sub(r"\s+", " ", page.content.decode())


def chosen(page) -> str:
    return re.search(r'<option value="(\w+)"[^>]* selected>', text(page))[1]


# Help


def test_every_page_leads_to_help_and_says_what_becomes_of_data(client, settings):
    settings.SITE_CONTACT, settings.SITE_PHONE = "help@example.com", "+44 20 7946 0000"
    settings.SITE_PRIVACY_URL = "https://www.example.com/privacy"
    settings.SITE_TERMS_URL = "https://www.example.com/terms"
    for address in (LOGIN, "/changed", "/nothing-here"):
        page = text(client.get(address))
        for target in (
            "mailto:help@example.com",
            "tel:+442079460000",
            "https://www.example.com/privacy",
            "https://www.example.com/terms",
        ):
            assert f'href="{target}"' in page


def test_page_of_a_site_without_help_has_no_empty_links(client, settings):
    settings.SITE_CONTACT = ""
    assert 'class="links"' not in text(client.get(LOGIN))


# The phone


def test_one_country_needs_no_list(client, settings):
    settings.ACCOUNTS_COUNTRIES = ["US"]
    page = client.get(LOGIN)
    assert "<select" not in text(page)
    assert "(201) 555-0123" in text(page)


def test_country_is_that_of_the_number_before_then_of_the_browser_then_the_default(client, pool):
    assert chosen(client.get(LOGIN)) == "US"
    french = {"Accept-Language": "fr-FR"}
    assert chosen(client.get(LOGIN, headers=french)) == "FR"
    ask(client, "+44 7400 123456")
    assert chosen(client.get(LOGIN, headers=french)) == "GB"


def test_number_is_read_in_the_chosen_country_unless_it_says_another(client, pool, settings):
    ask(client, "07400 123456", country="GB")
    assert pool.calls("InitiateAuth")[-1]["AuthParameters"]["USERNAME"] == "+447400123456"
    ask(Client(), "+33 6 12 34 56 78", country="GB")
    assert pool.calls("InitiateAuth")[-1]["AuthParameters"]["USERNAME"] == "+33612345678"


@pytest.mark.parametrize("country", ["DE", "", "XX", "GB" * 9999, "\0"])
def test_country_that_nobody_offered_is_as_none(client, pool, country):
    assert ask(client, "(201) 555-0123", country=country).url == CODE


def test_refused_number_comes_back_with_its_country_and_the_example_of_it(client):
    page = ask(client, "12", country="FR")
    assert chosen(page) == "FR"
    assert "such as \u206606 12 34 56 78\u2069" in text(page)


# Remembered


def test_number_is_kept_by_nobody_who_was_not_asked_to(client, pool, known):
    ask(client, known.phone)
    assert "phone" not in client.cookies


def test_kept_number_is_signed_out_of_reach_and_for_this_host_alone(client, pool, known):
    ask(client, known.phone, remember="on")
    kept = client.cookies["phone"]
    assert kept["path"] == "/"
    assert kept["httponly"]
    assert kept["samesite"] == "Lax"
    assert kept["max-age"] == 180 * 24 * 60 * 60
    again = Client()
    again.cookies["phone"] = kept.value
    assert f'value="{phones.spaced(known.phone)}"' in text(again.get(LOGIN))
    again.cookies["phone"] = kept.value.replace(known.phone[-4:], "0199")
    assert "0199" not in text(again.get(LOGIN))


@pytest.mark.parametrize("junk", ["x", ":::", "é", "+12015550123", "x" * 4000])
def test_kept_number_that_is_none_is_as_nothing(client, junk):
    client.cookies["phone"] = junk
    page = client.get(LOGIN)
    assert page.status_code == 200
    assert "Forget my number" not in text(page)


def test_number_sent_without_the_wish_is_forgotten(client, pool, known):
    ask(client, known.phone, remember="on")
    ask(client, known.phone)
    assert client.cookies["phone"].value == ""


def test_forgetting_forgets_the_sign_in_under_way_as_well(client, pool, known):
    ask(client, known.phone, remember="on")
    assert client.get(FORGET).url == LOGIN
    assert "Forget my number" in text(client.get(LOGIN))
    assert client.post(FORGET).url == LOGIN
    page = text(client.get(LOGIN))
    assert "This device has forgotten your number." in page
    assert phones.spaced(known.phone) not in page
    assert client.get(CODE).url == LOGIN


# The code


def test_time_and_tries_are_said_plainly(client, pool, known):
    ask(client, known.phone)
    page = text(client.get(CODE))
    assert "It works for 5 minutes." in page
    assert "You have" not in page
    assert text(answer(client, pool.wrong_code())).count("You have 2 tries left.") == 1
    assert "You have 2 tries left." in text(client.get(CODE))


@pytest.mark.parametrize(
    ("seconds", "clock"), [(30, "0:30"), (60, "1:00"), (120, "2:00"), (300, "5:00")]
)
def test_wait_for_another_text_is_shown_as_a_clock(client, pool, known, seconds, clock):
    with time_machine.travel(int(time.time()), tick=False):
        pool.says = {"resendAt": str(int(time.time()) + seconds)}
        ask(client, known.phone)
        page = text(client.get(CODE))
    assert f"You can ask for it in <bdi>{clock}</bdi>." in page
    assert f'data-seconds="{seconds}"' in page


@pytest.mark.parametrize(
    ("delivery", "words", "step"),
    [
        ("opted_out", "Reply START", "resend"),
        ("landline", "Change it to a mobile one", "change"),
        ("blocked_country", "Change it to one of another country", "change"),
        ("provider_down", "ask again in a minute", "resend"),
        ("throttled", "ask again in a minute", "resend"),
        ("something new", "ask again in a minute", "resend"),
        ("not_sent", "too soon for another text", "resend"),
        ("over_budget", "as many texts as we may", "resend"),
        ("locked", "so it is locked", "change"),
    ],
)
def test_text_that_was_not_sent_is_said_with_the_one_next_step(
    client, pool, known, delivery, words, step
):
    pool.says = {"delivery": delivery, "resendAt": "0"}
    ask(client, known.phone)
    page = text(client.get(CODE))
    assert "<h1>No text was sent</h1>" in page
    assert words in page
    assert "We sent it" not in page
    primary = re.findall(r'<button type="submit">|<a class="button"', page)
    assert primary == ['<a class="button"' if step == "change" else '<button type="submit">']
    assert ("Text me again" in page) == (step == "resend")


def test_text_of_which_nobody_knows_whether_it_left_is_not_said_to_be_sent(client, pool, known):
    pool.says = {"delivery": "delayed"}
    ask(client, known.phone)
    page = text(client.get(CODE))
    assert "<h1>Type your code</h1>" in page
    assert "got no answer. It may come late, or not at all" in page
    assert "We sent it" not in page
    assert "Text me again" in page
    # It may have left all the same.
    assert answer(client, pool.code()).url == "/"


@pytest.mark.parametrize(
    ("delivery", "is_offered"),
    [("provider_down", True), ("not_sent", False), ("over_budget", False), ("locked", False)],
)
def test_code_is_asked_for_only_where_an_earlier_text_may_have_brought_it(
    client, pool, known, delivery, is_offered
):
    pool.says = {"delivery": delivery}
    ask(client, known.phone)
    assert ('name="code"' in text(client.get(CODE))) == is_offered


def test_text_over_the_budget_leaves_the_code_of_the_text_before_it(client, pool, known):
    pool.says = {"delivery": "over_budget", "textedAt": str(int(time.time()) - 40)}
    ask(client, known.phone)
    page = text(client.get(CODE))
    assert "<h1>Type your code</h1>" in page
    assert "as many texts as we may" in page
    assert answer(client, pool.code()).url == "/"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(1_380, "in 23 minutes."), (60, "in 1 minute."), (40_000, "in 12 hours."), (-1, "")],
)
def test_text_from_the_reserve_is_said_alike_to_everybody(client, pool, known, seconds, words):
    with time_machine.travel(int(time.time()), tick=False):
        pool.says = {"delivery": "reserved", "openAt": str(int(time.time()) + seconds)}
        ask(client, known.phone)
        page = text(client.get(CODE))
    assert "<h1>Type your code</h1>" in page
    assert ("More codes are asked for than usual" in page) == bool(words)
    assert f"If not, ask again {words}" in page or not words
    assert ("We sent it" in page) == (not words)
    assert answer(client, pool.code()).url == "/"


@pytest.mark.parametrize(("seconds", "words"), [(3600, "1 hour."), (80_000, "23 hours.")])
def test_wait_of_hours_is_shown_in_hours(client, pool, known, seconds, words):
    with time_machine.travel(int(time.time()), tick=False):
        pool.says = {"resendAt": str(int(time.time()) + seconds), "delivery": "not_sent"}
        ask(client, known.phone)
        assert f"You can ask for it in {words}" in text(client.get(CODE))


def test_resend_says_that_another_text_was_sent(client, pool, known):
    pool.says = {"resendAt": "0", "textedAt": "1700000000", "now": "1700000002"}
    ask(client, known.phone)
    assert "We texted you again." not in text(client.get(CODE))
    page = text(client.post(RESEND, follow=True))
    assert "We texted you again." in page
    assert "new code" not in page
    assert "We texted you again." not in text(client.get(CODE))


def test_resend_without_a_text_does_not_say_that_one_was_sent(client, pool, known):
    ask(client, known.phone)
    pool.says = {"resendAt": "0", "textedAt": "1700000000", "now": "1700000020"}
    with time_machine.travel(time.time() + 31):
        page = text(client.post(RESEND, follow=True))
    assert "We texted you again." not in page
    assert "We had already sent a text" in page


def test_number_typed_again_right_away_says_that_no_other_text_was_sent(client, pool, known):
    ask(client, known.phone)
    assert "We had already sent a text" not in text(client.get(CODE))
    ask(client, known.phone)
    assert "We had already sent a text" in text(client.get(CODE))


def test_number_texted_from_another_browser_says_that_no_other_text_was_sent(client, pool, known):
    pool.says = {"textedAt": "1700000000", "now": "1700000020"}
    ask(client, known.phone)
    assert "We had already sent a text" in text(client.get(CODE))


@pytest.mark.parametrize(
    ("challenge", "words"),
    [
        ("NEW_PASSWORD_REQUIRED", "a new password"),
        ("DEVICE_SRP_AUTH", "a device that Cognito remembers"),
        ("DEVICE_PASSWORD_VERIFIER", "a device that Cognito remembers"),
        # Without any that can be set up here.
        ("MFA_SETUP", "a second step that is to be set up first"),
        ("SELECT_MFA_TYPE", "a second step"),
        ("SELECT_CHALLENGE", "a second step"),
    ],
)
def test_step_of_cognitos_own_after_the_code_is_named_and_ends_it(
    client, pool, known, caplog, challenge, words
):
    ask(client, known.phone)
    pool.fails("RespondToAuthChallenge", further_step(challenge))
    page = client.post(CODE, {"code": pool.code()}, follow=True)
    assert page.redirect_chain == [(LOGIN, 302)]
    assert f"cannot do: {words}." in text(page)
    assert "try again in a minute" not in text(page)
    assert f"asks for '{challenge}'" in caplog.text
    assert SignInEvent.objects.get(kind="failed").reason == "further_step"
    # The code is used up: typing it again says the same, and asks nobody.
    pool.forget_calls()
    assert f"cannot do: {words}." in text(client.post(CODE, {"code": "123456"}, follow=True))
    assert pool.operations() == []
    assert ask(client, known.phone).url == CODE
    assert answer(client, pool.code()).url == "/"


def test_right_code_before_a_further_step_costs_its_network_nothing(pool, known, settings):
    settings.ACCOUNTS_WRONG_CODES = "1/hour"
    for _ in range(3):
        visitor = Client()
        ask(visitor, known.phone)
        pool.fails("RespondToAuthChallenge", further_step("NEW_PASSWORD_REQUIRED"))
        assert visitor.post(CODE, {"code": pool.code()}).status_code == 302


def test_text_that_went_is_said_with_no_trouble(client, pool, known):
    ask(client, known.phone)
    page = text(client.get(CODE))
    assert "<h1>Type your code</h1>" in page
    assert "No text was sent" not in page


def test_long_code_is_asked_for_in_its_length(client, pool, known):
    pool.says = {"codeLength": "8"}
    ask(client, known.phone)
    page = text(client.get(CODE))
    assert "8-digit code" in page
    assert 'data-length="8"' in page


def test_reference_is_shown_to_whoever_asks_for_help(client, pool, known):
    pool.says = {"reference": "K7F-2Q"}
    ask(client, known.phone)
    page = text(client.get(CODE))
    assert 'give this reference: <bdi dir="ltr"><strong>K7F-2Q</strong></bdi>' in page


def test_dead_session_says_what_to_do(client):
    for address in (CODE, "/accounts/login/resend/"):
        page = client.post(address, {"code": "123456"}, follow=True)
        assert "Your sign-in timed out. Enter your number" in text(page)
        assert "under way" not in text(client.get(LOGIN))


def test_signing_out_says_so_to_who_was_signed_in(client, known):
    assert "signed out" not in text(client.post(LOGOUT, follow=True))
    client.force_login(known)
    assert "You are signed out." in text(client.post(LOGOUT, follow=True))


# Languages


def test_page_is_in_the_language_of_the_browser_then_of_the_choice(client):
    page = client.get(LOGIN, headers={"Accept-Language": "pt-BR,pt;q=0.9"})
    assert '<html lang="pt-br" dir="ltr">' in text(page)
    assert page["Content-Language"] == "pt-br"
    client.post(LANGUAGE, {"language": "ar"})
    page = client.get(LOGIN, headers={"Accept-Language": "pt-BR,pt;q=0.9"})
    assert '<html lang="ar" dir="rtl">' in text(page)
    assert client.cookies["language"]["httponly"]
    assert client.cookies["language"]["samesite"] == "Lax"


@pytest.mark.parametrize("language", ["", "xx", "../../etc", "de\0", "x" * 9999])
def test_language_that_is_none_changes_nothing(client, known, pool, language):
    client.force_login(known)
    assert client.post(LANGUAGE, {"language": language}).status_code == 302
    assert '<html lang="en"' in text(client.get("/"))
    assert pool.operations() == []


def test_language_is_switched_by_post_and_leads_nowhere_else(client):
    assert client.get(LANGUAGE, {"language": "de"}).url == "/"
    assert not client.cookies
    page = client.post(LANGUAGE, {"language": "de", "next": "https://evil.example/"})
    assert page.url == "/"


def test_switch_without_a_referrer_stays_on_the_page(client, pool, known):
    ask(client, known.phone)
    page = text(client.get(CODE))
    [form] = re.findall(rf'<form method="post" action="{LANGUAGE}">.*?</form>', page)
    [onward] = re.findall(r'name="next" value="(.*?)"', form)
    assert client.post(LANGUAGE, {"language": "de", "next": onward}).url == CODE


def switch(client: Client, address: str = LOGIN, **typed: str):
    """Press a button of the languages, which sends the form of the number."""
    shown = text(client.get(address))
    assert f'<form method="post" action="{address}" id="typed" novalidate>' in shown
    assert 'name="language" value="de" form="typed"' in shown
    return client.post(address, {"language": "de", **typed})


def test_number_being_typed_survives_a_change_of_language(client, pool):
    page = switch(client, phone="0612 3", country="FR", remember="on", next="/admin/")
    said = text(page)
    assert page.status_code == 200
    assert '<html lang="de"' in said
    assert 'value="0612 3"' in said
    assert chosen(page) == "FR"
    assert re.search(r'name="remember" checked', said)
    assert 'name="next" value="/admin/"' in said
    assert "error_phone" not in said
    assert "no-store" in page["Cache-Control"]
    assert '<html lang="de"' in text(client.get(LOGIN))
    assert "sessionid" not in client.cookies
    assert pool.operations() == []


def test_error_of_a_number_is_read_in_the_language_chosen_next(client):
    refused = re.search(r'name="(refused)" value="(\w+)"', text(ask(client, "12")))
    said = text(switch(client, phone="12", **{refused[1]: refused[2]}))
    assert 'value="12"' in said
    assert "Geben Sie eine gültige Handynummer ein" in said
    assert "refused" not in text(client.get(LOGIN))


def test_new_number_being_typed_survives_a_change_of_language(client, pool, known):
    client.force_login(known)
    said = text(switch(client, NUMBER, phone="(201) 555"))
    assert '<html lang="de"' in said
    assert 'value="(201) 555"' in said
    assert pool.attributes(known.sub)["locale"] == "de"


def test_new_number_survives_it_with_its_error_when_the_fresh_code_grows_old(
    client, pool, known, settings
):
    """It is counted once: the third press is the first that is too many."""
    settings.ACCOUNTS_PHONE_POSTS = "2/minute"
    client.force_login(known)
    shown = text(client.get(NUMBER))
    assert 'name="language" value="de" form="typed"' in shown
    Session.objects.update(confirmed_at=timezone.now() - timedelta(days=1))
    typed = {"phone": known.phone, "refused": "1"}
    statuses = []
    for language in ("fr", "de", "es"):
        page = client.post(NUMBER, {"language": language, **typed})
        statuses.append(page.status_code)
        if language == "de":
            assert "Das ist schon Ihre Nummer." in text(page)
    assert statuses == [200, 200, 429]
    assert client.post(NUMBER, typed).status_code != 200


@pytest.mark.parametrize("language", ["", "xx", "it", "x" * 9999])
def test_language_that_is_none_keeps_what_was_typed_all_the_same(client, language):
    page = text(client.post(LOGIN, {"language": language, "phone": "12", "country": "\0"}))
    assert '<html lang="en"' in page
    assert 'value="12"' in page


def test_new_language_is_told_to_cognito_once_after_the_sign_in(client, pool, known):
    client.post(LANGUAGE, {"language": "pt-br"})
    for calls in (1, 0):
        pool.forget_calls()
        ask(client, known.phone)
        answer(client, pool.code())
        assert len(pool.calls("AdminUpdateUserAttributes")) == calls
        assert pool.attributes(known.sub)["locale"] == "pt-BR"
        client.post(LOGOUT)


def test_dialect_that_was_set_elsewhere_stays(client, pool, known):
    pool.change(known.sub, locale="en-GB")
    ask(client, known.phone)
    answer(client, pool.code())
    assert pool.attributes(known.sub)["locale"] == "en-GB"


def test_language_is_told_to_cognito_when_it_is_switched_inside(client, pool, known):
    client.force_login(known)
    client.post(LANGUAGE, {"language": "ja"})
    assert pool.attributes(known.sub)["locale"] == "ja"


def test_language_that_is_switched_without_end_is_told_to_cognito_within_the_limit(
    client, pool, known, settings
):
    """Cognito lets the whole site change 25 accounts a second."""
    client.force_login(known)
    settings.ACCOUNTS_PHONE_POSTS = "2/minute"
    for language in ("de", "fr", "de", "fr"):
        assert client.post(LANGUAGE, {"language": language}).status_code == 302
    assert len(pool.calls("AdminUpdateUserAttributes")) == 2
    assert client.cookies["language"].value == "fr"


def test_failure_to_tell_the_language_stops_nobody(client, pool, known):
    pool.fails("AdminUpdateUserAttributes", *[Reply({}, 500)] * 2)
    client.post(LANGUAGE, {"language": "ja"})
    ask(client, known.phone)
    assert answer(client, pool.code()).url == "/"
    assert client.post(LANGUAGE, {"language": "de"}).status_code == 302


# The text to an old number


def told(client: Client, language: str = "en"):
    """The page that the text names."""
    said = messages.notice_message(
        "number_changed", language=language, app_name="Example", site_host="www.example.com"
    )
    path = re.search(r"www\.example\.com(/\S*) ", said)[1]
    return client.get(path, headers={"Accept-Language": language})


@pytest.mark.parametrize("language", [code for code, _ in settings.LANGUAGES])
def test_page_of_a_changed_number_says_what_to_do_in_the_language_of_its_text(
    client, settings, language
):
    settings.SITE_CONTACT = "help@example.com"
    page = told(client, language.partition("-")[0])
    assert page.status_code == 200
    assert f'<html lang="{language}"' in text(page) or language == "pt-br"
    assert text(page).count("<li>") == 4
    assert 'href="mailto:help@example.com"' in text(page)
    assert not re.search(r"%\(|\{\{|\{%", text(page))


def test_page_of_a_changed_number_is_the_same_for_everybody_and_asks_nobody(
    client, known, django_assert_num_queries
):
    with django_assert_num_queries(0):
        page = text(told(client))
    client.force_login(known)
    assert "/accounts/devices/" not in page
    assert "/accounts/devices/" in text(told(client))
    assert client.get("/changed/").status_code == 200


def test_page_of_a_changed_number_is_read_before_why_one_was_signed_out(client, known):
    client.force_login(known)
    sessions.end_all(known, Session.Ended.NUMBER_CHANGED)
    assert "I did not change it" in text(told(client))
    ended = client.get("/accounts/devices/", follow=True)
    assert ended.redirect_chain[0][0].startswith("/accounts/ended/")
    assert 'href="/changed"' in text(ended)


@pytest.mark.parametrize(
    ("contact", "link"),
    [
        ("https://example.com/help", 'href="https://example.com/help"'),
        ("help@example.com", 'href="mailto:help@example.com"'),
        ("", ""),
    ],
)
def test_people_who_were_shut_out_learn_whom_to_ask(client, known, settings, contact, link):
    settings.SITE_CONTACT = contact
    client.force_login(known)
    sessions.end_all(known, Session.Ended.SHUT_OUT)
    page = text(client.get("/", follow=True))
    assert "ask those who run this site" in page
    assert ("Contact us:" in page) is bool(contact)
    assert link in page


# Brand


def test_colours_of_the_brand_come_as_a_stylesheet_that_is_kept(client, settings):
    assert "brand.css" not in text(client.get(LOGIN))
    settings.SITE_COLOR = "#7a1fa2"
    address = re.search(r'href="(/accounts/brand.css\?\w+)"', text(client.get(LOGIN)))[1]
    sheet = client.get(address)
    assert sheet["Content-Type"] == "text/css"
    assert "immutable" in sheet["Cache-Control"]
    assert "--accent:#7a1fa2" in text(sheet)
    settings.SITE_COLOR = "#0b57d0"
    assert address not in text(client.get(LOGIN))


def test_name_and_logo_of_the_site_are_on_its_pages(client, settings):
    settings.SITE_NAME, settings.SITE_LOGO = "A < B", ""
    page = text(client.get(LOGIN))
    assert "A &lt; B</a>" in page
    assert "<img" not in page
    settings.SITE_LOGO = "brand/logo.svg"
    assert page.count("/static/brand/logo.svg") == 0
    assert text(client.get(LOGIN)).count("/static/brand/logo.svg") == 2


@pytest.mark.parametrize("language", [code for code, _ in settings.LANGUAGES])
def test_every_page_is_whole_in_every_language(client, pool, known, language):
    client.post(LANGUAGE, {"language": language})
    assert "%(" not in text(ask(client, "12"))
    ask(client, known.phone)
    for page in (client.get(CODE), answer(client, "1"), answer(client, pool.wrong_code())):
        assert page.status_code == 200
        assert phones.spaced(known.phone) in text(page)
        assert not re.search(r"%\(|\{\{|\{%", text(page))
    assert "{time}" in text(client.get(CODE))
    client.force_login(known)
    assert phones.spaced(known.phone) in text(client.get("/")).replace("&#43;", "+")
