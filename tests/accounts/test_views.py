"""What the browser meets, page by page."""

import re
import time
from collections.abc import Iterator
from html import unescape
from urllib.parse import quote, urljoin, urlsplit

import phonenumbers
import pytest
import time_machine
from django.template import loader
from django.test import Client
from django.urls import include, path
from phonenumbers import PhoneNumberFormat, PhoneNumberType

from accounts import phones, sessions
from accounts.login import throttle
from accounts.models import Session, User
from config import urls
from tests.clock import seconds_later
from tests.fakes.sign_in_pool import SignInPool
from tests.login_steps import CODE, LOGIN, LOGOUT, RESEND, answer, ask, same_cookies, who
from tests.pages import text
from tests.wire import Reply

pytestmark = [pytest.mark.django_db, pytest.mark.pages]


def broken(request):
    raise RuntimeError("Broken on purpose")


handler500 = urls.handler500
urlpatterns = [path("broken", broken), path("", include("config.urls"))]


def hidden(page) -> dict[str, str]:
    main = text(page).partition("<footer>")[0]
    found = re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', main)
    return {name: unescape(value) for name, value in found}


# Every address in every state

HOME_NEXT = f"{LOGIN}?next=/"
NONE, PENDING, OVER, EXPIRED, IN = "none", "pending", "over", "expired", "signed in"

EXPECTED = {
    # (method, address, form): what a browser gets in each state, a status or where it is sent
    ("GET", LOGIN): {NONE: 200, PENDING: 200, OVER: 200, EXPIRED: 200, IN: "/"},
    ("POST", LOGIN): {NONE: 200, PENDING: 200, OVER: 200, EXPIRED: 200, IN: "/"},
    ("GET", CODE): {NONE: LOGIN, PENDING: 200, OVER: LOGIN, EXPIRED: 200, IN: "/"},
    ("POST", CODE): {NONE: LOGIN, PENDING: 200, OVER: LOGIN, EXPIRED: 200, IN: "/"},
    ("GET", RESEND): {NONE: CODE, PENDING: CODE, OVER: CODE, EXPIRED: CODE, IN: "/"},
    ("POST", RESEND): {NONE: LOGIN, PENDING: 429, OVER: CODE, EXPIRED: CODE, IN: "/"},
    ("GET", LOGOUT): {NONE: "/", PENDING: "/", OVER: "/", EXPIRED: "/", IN: "/"},
    ("POST", LOGOUT): {NONE: LOGIN, PENDING: LOGIN, OVER: LOGIN, EXPIRED: LOGIN, IN: LOGIN},
    ("GET", "/"): {
        NONE: HOME_NEXT,
        PENDING: HOME_NEXT,
        OVER: HOME_NEXT,
        EXPIRED: HOME_NEXT,
        IN: 200,
    },
}


def bring(client: Client, pool: SignInPool, phone: str, state: str) -> None:
    if state == NONE:
        return
    ask(client, phone)
    if state == OVER:
        for offset in (1, 2, 3):
            answer(client, pool.wrong_code(offset))
    if state == IN:
        answer(client, pool.code())
        assert who(client)


@pytest.mark.parametrize("state", [NONE, PENDING, OVER, EXPIRED, IN])
@pytest.mark.parametrize("form", [None, {"code": "000000", "attempt": "x"}, {"phone": "nonsense"}])
def test_every_address_in_every_state_leads_on(pool, known, state, form):
    for (method, address), expected in EXPECTED.items():
        if form is not None and method == "GET":
            continue
        throttle.reset()
        client = Client()
        bring(client, pool, known.phone, state)
        with seconds_later(301 if state == EXPIRED else 0):
            page = client.generic(
                method,
                address,
                "&".join(f"{name}={value}" for name, value in (form or {}).items()),
                content_type="application/x-www-form-urlencoded",
            )
            got = page.headers.get("Location", page.status_code)
            assert (method, address, got) == (method, address, expected[state])
            if page.status_code == 302:
                landed = client.get(page.url, follow=True)
                assert landed.status_code == 200
                assert "<h1>" in text(landed)
            else:
                assert "<h1>" in text(page)


@pytest.mark.parametrize("state", [NONE, PENDING, OVER, EXPIRED, IN])
def test_right_code_in_every_state_leads_on(pool, known, state):
    client = Client()
    bring(client, pool, known.phone, state)
    code = pool.code() if pool.texts else "000000"
    with seconds_later(301 if state == EXPIRED else 0):
        page = answer(client, code)
    expected = {NONE: LOGIN, PENDING: "/", OVER: LOGIN, EXPIRED: 200, IN: "/"}[state]
    assert page.headers.get("Location", page.status_code) == expected


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "TRACE"])
@pytest.mark.parametrize("address", [LOGIN, CODE, RESEND, LOGOUT])
def test_methods_that_no_form_sends_are_refused(client, method, address):
    assert client.generic(method, address).status_code == 405


def test_head_answers_as_get_does_without_a_body(client):
    page = client.head(LOGIN)
    assert (page.status_code, page.content) == (200, b"")


def test_reload_of_the_code_page_sends_nothing(client, pool, known):
    ask(client, known.phone)
    for _ in range(3):
        assert client.get(CODE).status_code == 200
    assert len(pool.texts) == 1


def test_back_button_finds_the_number_and_sends_nothing_when_pressed_again(client, pool, known):
    ask(client, known.phone)
    page = client.get(LOGIN)
    assert f'value="{phones.spaced(known.phone)}"' in text(page)
    assert ask(client, known.phone).url == CODE
    assert len(pool.texts) == 1
    assert answer(client, pool.code()).url == "/"


def test_back_button_after_the_sign_in_leads_home(client, pool, known):
    ask(client, known.phone)
    answer(client, pool.code())
    assert client.get(CODE).url == client.get(LOGIN).url == "/"


def test_another_number_takes_the_place_of_the_first(client, pool, known):
    other = known.phone[:-4] + "9998"
    pool.register(other)
    ask(client, known.phone)
    assert ask(client, other).url == CODE
    assert pool.texts[-1][0] == other
    assert answer(client, pool.code()).url == "/"
    assert who(client).phone == other


def test_garbage_for_a_session_cookie_is_as_none(client, pool, known):
    for value in ("x", "x" * 5000, "é", "'; drop table", "../../etc"):
        client.cookies["sessionid"] = value
        assert client.get(CODE).url == LOGIN
        assert answer(client, "123456").url == LOGIN
        assert client.post(RESEND).url == LOGIN
    assert ask(client, known.phone).url == CODE
    assert answer(client, pool.code()).url == "/"


# Two tabs


def test_older_tab_is_told_to_use_the_latest_code_and_costs_no_try(client, pool, known):
    ask(client, known.phone)
    old, old_code = hidden(client.get(CODE)), pool.code()
    with seconds_later(31):
        ask(client, known.phone)
        page = client.post(CODE, {**old, "code": old_code})
        assert page.status_code == 200
        assert "Type the code you got last" in text(page)
        assert pool.calls("RespondToAuthChallenge") == []
        # The page that tells so takes the latest one.
        new = hidden(page)
        assert new["attempt"] != old["attempt"]
        assert client.post(CODE, {**new, "code": pool.code()}).url == "/"


def test_tab_of_the_same_attempt_signs_in_after_a_resend(client, pool, known):
    ask(client, known.phone)
    old = hidden(client.get(CODE))
    with seconds_later(31):
        client.post(RESEND)
        assert client.post(CODE, {**old, "code": pool.code()}).url == "/"


@pytest.mark.parametrize(
    "attempt",
    ["x", "x" * 65, "é", "\0", "x" * 60_000],
    ids=["short", "long", "accent", "NUL", "endless"],
)
def test_attempt_that_nobody_made_is_told_so_and_costs_no_try(client, pool, known, attempt):
    ask(client, known.phone)
    page = client.post(CODE, {"code": pool.code(), "attempt": attempt})
    assert page.status_code == 200
    assert "Type the code you got last" in text(page)
    assert pool.calls("RespondToAuthChallenge") == []
    assert len(page.content) < 10_000


def test_tab_that_signed_in_elsewhere_leads_home(client, pool, known):
    ask(client, known.phone)
    tab = hidden(client.get(CODE))
    answer(client, pool.code())
    assert client.post(CODE, {**tab, "code": "000000"}).url == "/"
    assert client.post(RESEND).url == "/"
    assert ask(client, known.phone).url == "/"
    assert len(pool.texts) == 1


# What needs POST


def test_resend_by_link_sends_nothing(client, pool, known):
    ask(client, known.phone)
    with seconds_later(31):
        for method in ("get", "head"):
            page = getattr(client, method)(RESEND)
            assert (page.status_code, page.headers.get("Location")) == (302, CODE)
    assert len(pool.texts) == 1


def test_signing_out_by_link_does_not(client, pool, known):
    client.force_login(known)
    assert client.get(LOGOUT).url == "/"
    assert client.get("/").status_code == 200
    assert client.post(LOGOUT).url == LOGIN
    assert client.get("/").status_code == 302


def test_signing_out_forgets_a_number_that_was_typed(client, pool, known):
    ask(client, known.phone)
    client.post(LOGOUT)
    assert known.phone not in text(client.get(LOGIN))
    assert not Session.objects.exists()


@pytest.mark.parametrize("address", [LOGIN, CODE, RESEND, LOGOUT])
def test_form_from_another_site_does_nothing(pool, known, address):
    client = Client(enforce_csrf_checks=True)
    client.force_login(known)
    client.get("/")
    theirs = {"origin": "https://evil.example"}
    page = client.post(address, {"phone": known.phone, "code": "123456"}, headers=theirs)
    assert page.status_code == 403
    assert "That page was too old" in text(page)
    assert '<a class="button" href="/">' in text(page)
    assert known.phone not in text(page)
    assert client.get("/").status_code == 200
    assert pool.operations() == []


# Forms with an invalid token, or without one


@pytest.fixture
def stale(pool) -> Client:
    """A browser with the right cookies, which sends no token, or an old one."""
    client = Client(enforce_csrf_checks=True)
    client.get(LOGIN)
    return client


def test_number_typed_on_an_old_page_is_there_to_be_sent_again(stale, pool, known):
    typed = {"phone": "0612345678", "country": "FR", "next": "/admin/", "remember": "on"}
    page = stale.post(LOGIN, typed)
    said = text(page)
    assert page.status_code == 403
    assert "This page was too old, so nothing was sent." in said
    assert 'value="0612345678"' in said
    assert '<option value="FR" data-example="06 12 34 56 78" selected>' in said
    assert {"no-store", "private"} <= set(page["Cache-Control"].split(", "))
    assert pool.operations() == []
    sent = stale.post(LOGIN, {**typed, **hidden(page)})
    assert sent.url == CODE


def test_number_from_a_browser_without_cookies_is_told_to_allow_them(pool):
    client = Client(enforce_csrf_checks=True)
    page = client.post(LOGIN, {"phone": "12"})
    assert "Your browser sent no cookies, and signing in needs them." in text(page)
    assert 'value="12"' in text(page)
    assert client.post(LOGIN, {**hidden(page), "phone": "12"}).status_code == 200


@pytest.mark.parametrize(
    "theirs", [{"origin": "https://evil.example"}, {"origin": "null"}], ids=["another", "hidden"]
)
def test_number_that_another_site_typed_is_not_shown(stale, theirs):
    page = stale.post(LOGIN, {"phone": "+12015550123"}, headers=theirs)
    assert page.status_code == 403
    assert "5550123" not in text(page)


def test_code_from_an_old_page_leads_back_to_it_and_is_not_repeated(stale, pool, known):
    stale.post(LOGIN, {**hidden(stale.get(LOGIN)), "phone": known.phone})
    page = stale.post(CODE, {"code": pool.code()})
    assert page.status_code == 403
    assert pool.code() not in text(page)
    assert f'<a class="button" href="{CODE}">Go on</a>' in text(page)
    assert "Type your code" in text(stale.get(CODE))
    stale.cookies.clear()
    page = stale.post(CODE, {"code": pool.code()})
    assert "Your browser sent no cookies" in text(page)
    assert f'<a class="button" href="{CODE}">Go on</a>' in text(page)


def test_form_of_somebody_who_has_signed_in_meanwhile_leads_them_on(stale, known):
    stale.force_login(known)
    page = stale.post(f"{LOGIN}?next=/accounts/devices/", {"phone": known.phone})
    assert page.status_code == 403
    [onward] = re.findall(r'<a class="button" href="(.*?)">Go on', text(page))
    assert stale.get(onward).url == "/accounts/devices/"


POSTED = [
    *(f"login/{step}" for step in ("", "code/", "forget/", "resend/", "take-over/", "cancel/")),
    *("language/", "logout/", "confirm/", "confirm/code/", "confirm/resend/"),
    *(f"number/{step}" for step in ("", "code/", "resend/", "cancel/", "changed/")),
    *("devices/end/", "devices/end-others/", "devices/seen/"),
]


@pytest.mark.parametrize("who", ["somebody", "nobody"])
def test_every_address_of_a_form_leads_to_a_page(client, known, who):
    """What "Go on" goes by, and whoever reloads the page on which a form was refused."""
    if who == "somebody":
        client.force_login(known)
    for address in POSTED:
        page = client.get(f"/accounts/{address}", follow=True)
        assert page.status_code == 200, address
        assert "<h1>" in text(page)


# Typed phones


def example(region: str, kind: int) -> str:
    number = phonenumbers.example_number_for_type(region, kind)
    return phonenumbers.format_number(number, PhoneNumberFormat.INTERNATIONAL)


BAD_PHONES = {
    "empty": "",
    "spaces": "   ",
    "letters": "abc",
    "vanity": "1-800-FLOWERS",
    "plus": "+",
    "country code": "+1",
    "short": "+1201",
    "long": "+1201555012301",
    "no such country": "+999 201 555 0123",
    "toll-free": example("US", PhoneNumberType.TOLL_FREE),
    "premium": example("GB", PhoneNumberType.PREMIUM_RATE),
    "landline": example("GB", PhoneNumberType.FIXED_LINE),
    "another country": example("DE", PhoneNumberType.MOBILE),
    "extension": "(201) 555-0123 ext. 7",
    "NUL": "+1201555\x000123",
    "script": '"><script>alert(1)</script>',
    "sql": "' OR 1=1 --",
    "template": "{{ settings.SECRET_KEY }}",
    "emoji": "📞" * 20,
    "override": "\u202e+12015550123x",
    "endless": "9" * 60_000,
    "long script": "<b>" * 5_000,
}


@pytest.mark.parametrize("typed", BAD_PHONES.values(), ids=BAD_PHONES.keys())
def test_bad_phone_is_a_page_that_says_so(client, pool, typed):
    page = ask(client, typed)
    assert page.status_code == 200
    assert re.search(r'<p class="error" id="error_phone">[A-Z][^<>]+\.</p>', text(page))
    assert "<title>Error: " in text(page)
    assert 'aria-invalid="true"' in text(page)
    assert len(page.content) < 10_000
    echoed = unescape(re.search(r'name="phone"[^>]*?value="([^"]*)"', text(page), re.DOTALL)[1])
    assert typed.startswith(echoed)
    assert len(echoed) <= 40
    assert pool.operations() == []
    assert client.get(CODE).url == LOGIN


def test_what_was_typed_is_escaped(client, pool, known):
    page = ask(client, BAD_PHONES["script"], next='"><script>alert(2)</script>')
    assert "<script>" not in text(page)
    assert "&quot;&gt;&lt;script&gt;alert(1)" in text(page)
    page = client.get(LOGIN, {"next": '"><script>alert(3)</script>'})
    assert "<script>" not in text(page)
    ask(client, known.phone)
    page = client.post(CODE, {"code": '"><script>', "attempt": '"><script>'})
    assert "<script>" not in text(page)


@pytest.mark.parametrize("code", ["", "12345", "abcdef", "1" * 60_000, "<b>" * 99, "12\x003456"])
def test_bad_code_is_a_page_that_says_so_and_does_not_echo(client, pool, known, code):
    ask(client, known.phone)
    page = answer(client, code)
    assert page.status_code == 200
    assert re.search(r'<p class="error" id="error_code">[A-Z][^<>]+\.</p>', text(page))
    assert "<title>Error: " in text(page)
    if code:
        assert f'"{code[:40]}' not in text(page)
    assert len(page.content) < 10_000
    assert pool.calls("RespondToAuthChallenge") == []


def test_field_sent_twice_or_as_a_file_is_a_page(client, pool):
    assert client.post(LOGIN, {"phone": ["1", "2"]}).status_code == 200
    body = (
        b'--x\r\nContent-Disposition: form-data; name="phone"; filename="a"\r\n'
        b"Content-Type: text/plain\r\n\r\n+12015550123\r\n--x--\r\n"
    )
    page = client.generic("POST", LOGIN, body, content_type="multipart/form-data; boundary=x")
    assert page.status_code == 200
    assert pool.operations() == []


def test_typed_number_stays_when_cognito_is_away(client, phone, settings):
    settings.AWS_ENDPOINT_URL = "http://127.0.0.1:9"
    typed = f"({phone[2:5]}) {phone[5:8]}-{phone[8:]}"
    page = ask(client, typed, next="/admin/")
    assert page.status_code == 503
    assert "cannot reach the sign-in service" in text(page)
    assert "<title>Error: " in text(page)
    assert f'value="{typed}"' in text(page)
    assert hidden(page)["next"] == "/admin/"


# Where the person wanted to go

BAD_NEXT = {
    "two slashes": "//evil.example",
    "three slashes": "///evil.example",
    "https": "https://evil.example/",
    "http": "http://evil.example",
    "no slashes": "https:evil.example",
    "three slashes after the scheme": "https:///evil.example",
    "upper case": "HTTPS://EVIL.example",
    "script": "javascript:alert(1)",
    "data": "data:text/html,x",
    "backslashes": "\\\\evil.example",
    "slash backslash": "/\\evil.example",
    "backslash slash": "\\/evil.example",
    "user": "//testserver@evil.example",
    "port": "//testserver:1@evil.example/",
    "look-alike": "//testserver.evil.example",
    "leading space": " //evil.example",
    "control first": "\x08//evil.example",
    "tab": "\t//evil.example",
    "bracket": "//[evil.example",
    "endless": "/" + "a" * 60_000,
    "too long": "/" + "a" * 2000,
    # Of this host, but relative to the page.
    "word": "code",
    "name of a view": "accounts:devices",
    "relative URL": "code/",
    "page above this one": "../devices/",
    "query alone": "?q=1",
    "fragment alone": "#top",
}
# These stay on this host, wherever on it.
ODD_NEXT = {
    "tab in it": "/\t/evil.example",
    "newline": "/\r\nLocation: https://evil.example",
    "NUL": "/\0",
    "encoded slashes": "/%2F%2Fevil.example",
    "wide": "/" + "€" * 1999,
    "dots": "/../../..//evil.example",
    "fullwidth": "/\uff0fevil.example",
    "query": "/?next=https://evil.example",
}


def is_here(location: str, at: str) -> bool:
    # A browser drops tabs and newlines, and reads a backslash as a slash.
    seen = re.sub(r"[\t\r\n]", "", location.strip()).replace("\\", "/")
    return urlsplit(urljoin(f"http://testserver{at}", seen)).netloc == "testserver"


@pytest.mark.parametrize("target", BAD_NEXT.values(), ids=BAD_NEXT.keys())
def test_bad_next_leads_home(client, pool, known, target):
    assert ask(client, known.phone, next=target).url == CODE
    assert answer(client, pool.code()).url == "/"
    assert client.get(f"{LOGIN}?next={quote(target)}").url == "/"
    assert client.post(LOGIN, {"next": target}).url == "/"


@pytest.mark.parametrize("target", ODD_NEXT.values(), ids=ODD_NEXT.keys())
def test_odd_next_stays_on_this_host(client, pool, known, target):
    assert ask(client, known.phone, next=target).url == CODE
    assert is_here(answer(client, pool.code()).url, CODE)
    assert is_here(client.get(f"{LOGIN}?next={quote(target)}").url, LOGIN)


@pytest.mark.parametrize("spelled", ["%ED%A0%80", "/%ED%A0%80", "%FF%FE", "/%C0%AF/evil.example"])
def test_next_that_is_no_text_stays_on_this_host(client, pool, known, spelled):
    body = f"phone=%2B{known.phone[1:]}&next={spelled}"
    page = client.generic("POST", LOGIN, body, content_type="application/x-www-form-urlencoded")
    assert page.url == CODE
    assert is_here(answer(client, pool.code()).url, CODE)
    assert is_here(client.get(f"{LOGIN}?next={spelled}").url, LOGIN)


@pytest.mark.parametrize("target", ["/", "/admin/", "/a?b=c&d=é", "http://testserver/x"])
def test_good_next_is_where_the_sign_in_ends(client, pool, known, target):
    page = client.get(LOGIN, {"next": target})
    assert hidden(page)["next"] == target
    assert ask(client, known.phone, **hidden(page)).url == CODE
    done = answer(client, pool.code())
    assert done.url == quote(target, safe="/:?=&")
    again = client.get(LOGIN, {"next": target})
    assert again.url == done.url


def test_plain_next_is_refused_where_the_site_is_https(client, known, settings):
    client.force_login(known)
    page = client.get(LOGIN, {"next": "http://testserver/x"}, secure=True)
    assert page.url == "/"


def test_protected_page_comes_after_the_sign_in(client, pool, known):
    page = client.get("/admin/accounts/user/?q=1", follow=True)
    assert ask(client, known.phone, **hidden(page)).url == CODE
    assert answer(client, pool.code()).url == "/admin/accounts/user/?q=1"


def test_next_outlives_starting_over(client, pool, known):
    ask(client, known.phone, next="/admin/")
    for offset in (1, 2, 3):
        answer(client, pool.wrong_code(offset))
    page = client.get(LOGIN)
    assert "That sign-in is over" in text(page)
    assert ask(client, known.phone, **hidden(page)).url == CODE
    assert answer(client, pool.code()).url == "/admin/"


def test_next_outlives_changing_the_number(client, pool, known):
    other = known.phone[:-4] + "9997"
    pool.register(other)
    ask(client, other, next="/admin/")
    page = client.get(LOGIN)
    assert ask(client, known.phone, **hidden(page)).url == CODE
    assert answer(client, pool.code()).url == "/admin/"


def test_signing_out_goes_nowhere_else(client, known):
    for target in set(BAD_NEXT.values()) - {BAD_NEXT["too long"]}:
        client.force_login(known)
        page = client.post(LOGOUT, {"next": target})
        assert (page.status_code, page.url) == (302, LOGIN)


# Too much


@pytest.mark.parametrize("method", ["get", "post"])
def test_form_of_more_than_a_hundred_fields_is_refused(client, method):
    """Each is read and kept, however short; the largest form here has half as many."""
    fields = {f"field-{number}": "" for number in range(101)}

    refused = getattr(client, method)(LOGIN, fields)

    assert refused.status_code == 400
    assert "That did not work" in text(refused)
    del fields["field-100"]
    assert getattr(client, method)(LOGIN, fields).status_code == 200


def check_too_many(page, most: int) -> None:
    assert page.status_code == 429
    wait = int(page["Retry-After"])
    assert 0 < wait <= most + 1
    assert "Too many attempts" in text(page)
    assert '<a href="/">' in text(page)
    minutes = int(re.search(r"Please wait (\d+) minute", text(page))[1])
    assert minutes * 60 >= wait - 1


@pytest.mark.parametrize("rate", ["2/5 minutes", "2/80 seconds", "2/hour"])
@pytest.mark.parametrize("address", [LOGIN, CODE, RESEND])
def test_too_many_forms_are_a_429_page(client, settings, address, rate):
    settings.ACCOUNTS_PHONE_POSTS = rate
    for _ in range(2):
        assert client.post(address).status_code in (200, 302)
    most = {"2/5 minutes": 300, "2/80 seconds": 80, "2/hour": 3600}[rate]
    check_too_many(client.post(address), most)
    assert client.get(LOGIN).status_code == 200


def test_too_many_texts_are_a_429_page(client, pool, known, settings):
    settings.ACCOUNTS_SENDS = "1/10 minutes"
    ask(client, known.phone)
    other = known.phone[:-4] + "9996"
    check_too_many(ask(client, other), 600)
    with seconds_later(31):
        check_too_many(client.post(RESEND), 600)
        assert answer(client, pool.code()).url == "/"
    assert len(pool.texts) == 1


def test_strangers_on_a_network_use_up_no_texts_of_browsers_known_there(
    client, pool, known, settings
):
    settings.ACCOUNTS_SENDS = "1/10 minutes"
    ask(client, known.phone)
    answer(client, pool.code())
    client.post("/accounts/logout/")
    stranger = Client()
    with seconds_later(700):
        ask(stranger, known.phone[:-4] + "9996")
        check_too_many(ask(stranger, known.phone), 600)
        assert ask(client, known.phone).url == CODE
    # It has no more than others have.
    with seconds_later(740):
        check_too_many(client.post(RESEND), 600)


@pytest.fixture
def _early() -> Iterator[None]:
    """Early in a window of five minutes: at its edge the counter may let one more through."""
    with time_machine.travel(time.time() // 300 * 300 + 301, tick=True):
        yield


@pytest.mark.usefixtures("_early")
def test_too_many_wrong_codes_are_a_429_page(client, pool, known, settings):
    settings.ACCOUNTS_WRONG_CODES = "1/5 minutes"
    ask(client, known.phone)
    assert answer(client, pool.wrong_code(1)).status_code == 200
    check_too_many(answer(client, pool.wrong_code(2)), 300)
    assert len(pool.calls("RespondToAuthChallenge")) == 1
    # From a new browser too: the network counts.
    other = Client()
    with seconds_later(31):
        ask(other, known.phone)
        check_too_many(answer(other, pool.code()), 300)


@pytest.mark.usefixtures("_early")
def test_code_that_ends_the_sign_in_counts_as_wrong(client, pool, known, settings):
    settings.ACCOUNTS_WRONG_CODES = "3/5 minutes"
    ask(client, known.phone)
    for offset in (1, 2, 3):
        answer(client, pool.wrong_code(offset))
    ask(client, known.phone)
    check_too_many(answer(client, pool.code()), 300)


def test_right_codes_do_not_count_as_wrong(pool, known, settings):
    settings.ACCOUNTS_WRONG_CODES = "1/5 minutes"
    for _ in range(3):
        client = Client()
        ask(client, known.phone)
        assert answer(client, pool.code()).url == "/"


def test_resend_right_away_is_a_429_page_that_goes_on(client, pool, known):
    ask(client, known.phone)
    page = client.post(RESEND)
    assert page.status_code == 429
    assert 0 < int(page["Retry-After"]) <= 30
    assert "It is too soon for another text." in text(page)
    assert re.search(r"You can ask for it in <bdi>0:[23]\d</bdi>", text(page))
    assert client.post(CODE, {**hidden(page), "code": pool.code()}).url == "/"


# Headers


@pytest.fixture
def sample(client, pool, known):
    """``sample(what)``: one response of each kind."""

    def get(what: str):
        if what in ("code", "resend", "wrong", "over"):
            ask(client, known.phone)
        if what in ("home", "signed in"):
            client.force_login(known)
        if what == "over":
            for offset in (1, 2, 3):
                answer(client, pool.wrong_code(offset))
        return {
            "phone": lambda: client.get(LOGIN),
            "bad phone": lambda: ask(client, "x"),
            "asked": lambda: ask(client, known.phone),
            "code": lambda: client.get(CODE),
            "no code": lambda: client.get(CODE),
            "wrong": lambda: answer(client, "1"),
            "resend": lambda: client.post(RESEND),
            "over": lambda: client.get(LOGIN),
            "home": lambda: client.get("/"),
            "not home": lambda: client.get("/"),
            "signed in": lambda: client.get(LOGIN),
            "sign out": lambda: client.post(LOGOUT),
            "not sign out": lambda: client.get(LOGOUT),
            "admin": lambda: client.get("/admin/login/"),
            "missing": lambda: client.get("/nothing"),
            "healthz": lambda: client.get("/healthz"),
            "bad host": lambda: client.get("/", headers={"host": "evil.example"}),
        }[what]()

    return get


LOGIN_PAGES = ["phone", "bad phone", "asked", "code", "no code", "wrong", "resend", "over"]
OTHER_PAGES = ["home", "not home", "signed in", "sign out", "not sign out", "admin"]


@pytest.mark.parametrize("what", LOGIN_PAGES + OTHER_PAGES)
def test_pages_of_one_person_are_stored_nowhere(sample, what):
    control = sample(what)["Cache-Control"]
    assert {"no-store", "private"} <= set(control.split(", "))


def test_429_page_is_stored_nowhere(client, settings):
    settings.ACCOUNTS_PHONE_POSTS = "1/hour"
    client.post(LOGIN)
    page = client.post(LOGIN)
    assert page.status_code == 429
    assert "no-store" in page["Cache-Control"]


@pytest.mark.parametrize("what", [*LOGIN_PAGES, *OTHER_PAGES, "missing", "healthz", "bad host"])
def test_security_headers_are_on_every_response(sample, what):
    page = sample(what)
    policy = dict(each.strip().split(" ", 1) for each in page["Content-Security-Policy"].split(";"))
    assert policy == {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "img-src": "'self' data:",
        "font-src": "'self'",
        "connect-src": "'self'",
        "form-action": "'self'",
        "base-uri": "'none'",
        "frame-ancestors": "'none'",
    }
    # A wrong host is refused before the middleware that adds it; frame-ancestors says the same.
    assert page.headers.get("X-Frame-Options") == (None if what == "bad host" else "DENY")
    assert page["X-Content-Type-Options"] == "nosniff"
    assert page["Referrer-Policy"] == "same-origin"
    assert page["Cross-Origin-Opener-Policy"] == "same-origin"
    permissions = dict(each.split("=") for each in page["Permissions-Policy"].split(", "))
    assert permissions.pop("otp-credentials") == "(self)"
    assert {"camera", "geolocation", "clipboard-read", "payment", "usb"} <= set(permissions)
    assert set(permissions.values()) == {"()"}


@pytest.mark.parametrize("what", [*LOGIN_PAGES, "home", "missing"])
def test_pages_hold_nothing_that_the_policy_forbids(sample, what):
    page = text(sample(what))
    scripts = re.findall(r"<script(.*?)</script>", page, re.DOTALL)
    assert all(re.fullmatch(r' src="/static/[\w/]+\.js" defer>', script) for script in scripts)
    assert "<style" not in page
    assert not re.search(r"\s(style|on\w+)=", page)
    assert not re.search(r'(src|href)="(https?:)?//', page)


# Cookies


def signed_in_by_form(client: Client, pool: SignInPool, phone: str) -> None:
    asked = client.post(LOGIN, {**hidden(client.get(LOGIN)), "phone": phone})
    assert asked.url == CODE
    done = client.post(CODE, {**hidden(client.get(CODE)), "code": pool.code()})
    assert done.status_code == 302


def test_sign_in_takes_a_new_session_key_and_drops_the_old(client, pool, known):
    ask(client, known.phone)
    planted = same_cookies(client)
    before = client.cookies["sessionid"].value
    answer(client, pool.code())
    assert client.cookies["sessionid"].value != before
    assert not Session.objects.filter(session_key=sessions.digest(before)).exists()
    assert planted.get("/").status_code == 302


def test_session_key_that_was_planted_is_not_the_one_that_signs_in(client, pool, known):
    client.cookies["sessionid"] = planted = "planted-key-planted-key-planted-"
    ask(client, known.phone)
    assert client.cookies["sessionid"].value != planted
    answer(client, pool.code())
    assert client.cookies["sessionid"].value != planted
    assert not Session.objects.filter(session_key=sessions.digest(planted)).exists()


def test_sign_in_takes_a_new_csrf_token(pool, known):
    client = Client(enforce_csrf_checks=True)
    client.get(LOGIN)
    before = client.cookies["csrftoken"].value
    signed_in_by_form(client, pool, known.phone)
    assert client.cookies["csrftoken"].value != before
    assert client.post(LOGOUT, hidden(client.get("/"))).url == LOGIN


@pytest.mark.parametrize("what", ["phone", "bad phone", "code", "wrong", "resend", "home"])
def test_every_form_carries_a_csrf_token_and_none_in_its_address(sample, what):
    forms = re.findall(r"<form (.*?)>(.*?)</form>", text(sample(what)), re.DOTALL)
    assert forms
    for attributes, inside in forms:
        assert 'method="post"' in attributes
        assert re.search(r'action="/[\w/]+"', attributes)
        assert inside.count('name="csrfmiddlewaretoken"') == 1


def test_cookies_are_out_of_reach_for_scripts_and_other_sites(pool, known):
    client = Client(enforce_csrf_checks=True)
    signed_in_by_form(client, pool, known.phone)
    for name in ("sessionid", "csrftoken"):
        assert client.cookies[name]["httponly"]
        assert client.cookies[name]["samesite"] == "Lax"


def test_looking_at_the_first_page_makes_no_session(client):
    client.get(LOGIN)
    ask(client, "nonsense")
    assert "sessionid" not in client.cookies
    assert not Session.objects.exists()


# Pages for when something is wrong


@pytest.mark.urls(__name__)
def test_500_page_has_a_way_on():
    client = Client(raise_request_exception=False)
    page = client.get("/broken")
    assert page.status_code == 500
    assert "Something broke" in text(page)
    assert '<a class="button" href="/">' in text(page)
    assert "RuntimeError" not in text(page)
    assert_looks_like_the_site(page)
    assert page["X-Frame-Options"] == "DENY"
    assert page["Content-Security-Policy"]


def assert_looks_like_the_site(page) -> None:
    header = re.search(r"<header>.*?</header>", text(page))[0]
    assert "Phone login" in header
    assert "/static/brand/logo.svg" in header


def test_404_page_has_a_way_on(client):
    for address in ("/nothing", "/accounts/nothing/", "/accounts/login/nothing/", "/%00", "/%ff"):
        page = client.get(address)
        assert page.status_code == 404
        assert "There is nothing here" in text(page)
        assert '<a class="button" href="/">' in text(page)


def test_400_page_has_a_way_on(client):
    page = client.get("/", headers={"host": "evil.example"})
    assert page.status_code == 400
    assert "That did not work" in text(page)
    assert '<a class="button" href="/">' in text(page)
    assert "evil.example" not in text(page)
    assert_looks_like_the_site(page)


def test_403_page_has_a_way_on(client, known):
    client.force_login(known)
    page = client.get("/admin/login/")
    assert page.status_code == 403
    assert "this page is for operators" in text(page)
    assert '<a class="button" href="/">' in text(page)


@pytest.mark.parametrize("name", ["400", "403", "403_csrf", "404", "500"])
def test_error_pages_render_without_any_context(name):
    page = loader.get_template(f"{name}.html").render()
    assert re.search(r"<title>[^<]+</title>", page)
    assert re.search(r"<h1>[^<]+</h1>", page)
    assert page.count('<a class="button" href="/">') == 1
    assert '<html lang="en" dir="ltr">' in page


# Words


def test_typed_number_stands_on_the_code_page_so_that_a_mistake_is_seen(client, pool, known):
    ask(client, known.phone)
    assert phones.spaced(known.phone) in text(client.get(CODE))
    # No other browser has it.
    assert phones.spaced(known.phone) not in text(Client().get(CODE, follow=True))


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        # Of the United Kingdom, and of no other country of the list.
        ("07400 123456", ["GB"]),
        # Of nowhere; of the chosen country; whole; of a kind that gets no texts there.
        ("12", []),
        ("(201) 555-0123", []),
        ("+44 12", []),
        ("020 7946 0958", []),
    ],
)
def test_number_of_another_country_is_sent_with_one_press(client, pool, settings, typed, offered):
    settings.ACCOUNTS_COUNTRIES = ["US", "CA", "GB", "FR"]
    page = text(client.post(LOGIN, {"country": "US", "phone": typed}))
    assert re.findall(r'<button[^>]* name="country" value="(\w+)"', page) == offered


def test_number_of_too_many_countries_asks_for_none_of_them(client, pool, settings):
    settings.ACCOUNTS_COUNTRIES = ["US", "FR", "ES", "NL"]
    typed = {"country": "US", "phone": "650123456"}
    assert text(client.post(LOGIN, typed)).count(' name="country" value=') == 3
    settings.ACCOUNTS_COUNTRIES = ["US", "AT", "FR", "ES", "NL"]
    assert ' name="country" value=' not in text(client.post(LOGIN, typed))


def test_pressed_country_is_the_one_of_the_number(client, pool, settings):
    settings.ACCOUNTS_COUNTRIES = ["US", "GB"]
    # The list comes first in the form, then the button.
    done = client.post(LOGIN, {"country": ["US", "GB"], "phone": "07400 123456"})
    assert done.url == CODE
    assert "+44 7400 123456" in text(client.get(CODE))


def test_old_code_says_so_on_its_page(client, pool, known):
    ask(client, known.phone)
    with seconds_later(301):
        assert "too old" in text(client.get(CODE))


def test_last_try_is_counted_in_the_singular(client, pool, known):
    ask(client, known.phone)
    assert "You have 2 tries left." in text(answer(client, pool.wrong_code(1)))
    assert "You have 1 try left." in text(answer(client, pool.wrong_code(2)))


def test_code_page_asks_for_as_many_digits_as_cognito_does(client, pool, known):
    ask(client, known.phone)
    session = client.session
    session["accounts.pending"]["challenge"]["code_length"] = 8
    session.save()
    assert "8-digit code" in text(client.get(CODE))
    assert "The code has 8 digits" in text(answer(client, "123456"))
    assert "You have 2 tries left" in text(answer(client, "12345678"))


def test_home_shows_the_number_and_the_admin_to_operators_only(client, known):
    client.force_login(known)
    page = text(client.get("/"))
    assert phones.spaced(known.phone) in page
    assert "/admin/" not in page
    User.objects.update(is_staff=True)
    assert 'href="/admin/"' in text(client.get("/"))


def test_cognito_that_says_nothing_useful_keeps_the_code_page(client, pool, known):
    ask(client, known.phone)
    pool.fails("RespondToAuthChallenge", Reply({}))
    page = answer(client, "123456")
    assert page.status_code == 503
    assert "do not know whether your code was used up" in text(page)
    assert "Type your code" in text(page)
