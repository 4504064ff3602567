"""Every state of every page: nothing cut off in the languages that try it, axe finds nothing, and
with PICTURES=1 a picture in each look.

The pictures lie in .local/gallery/, for people to look at: open its index.html.
"""

import base64
import os
import time
from collections.abc import Callable
from datetime import timedelta
from itertools import count
from pathlib import Path

import pytest
import time_machine
from django.db import OperationalError
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import include, path
from django.utils import timezone
from playwright.sync_api import Page, Request, expect

from accounts import sessions
from accounts.aws import cognito
from accounts.models import Operation, Passkey, Recovery, Session, SignInEvent, User
from accounts.operations import recoveries, recovery_codes
from config import urls
from tests import recovery_steps as steps
from tests.browser.conftest import CUT_OFF, assert_accessible, place
from tests.browser.steps import sign_in
from tests.codes import wrong
from tests.fakes.sign_in_pool import SignInPool, further_step
from tests.fakes.tokens import CLIENT_ID, CLIENT_SECRET, ISSUER, POOL_ID
from tests.wire import Reply

LOOKS = {
    # name: language, width and theme
    "light": ("en", 390, "light"),
    "dark": ("en", 390, "dark"),
    # The longest words in the least room.
    "narrow": ("de", 320, "light"),
    "arabic": ("ar", 390, "light"),
}
NARROWEST = 320
LOGIN, CODE, LOGOUT, INBOX = (
    "/accounts/login/",
    "/accounts/login/code/",
    "/accounts/logout/",
    "/local/inbox/",
)
ACCOUNT = "/accounts/"
DEVICES, ENDED, CONFIRM = "/accounts/devices/", "/accounts/ended/", "/accounts/confirm/"
NUMBER, CHANGED = "/accounts/number/", "/accounts/number/changed/"
TAKE_OVER, CANCEL = "/accounts/login/take-over/", "/accounts/login/cancel/"
RESEND = "/accounts/login/resend/"
EMAIL = "/accounts/email/"
SECOND = "/accounts/second-number/"
PASSKEYS, OFFER = "/accounts/passkeys/", "/accounts/passkeys/offer/"
OPERATORS = "/accounts/operators/"
DORMANT = "/accounts/login/dormant/"


# Lays what a page holds under the stylesheets of this one. Scripts do not run again.
LAY = """html => {
  const page = new DOMParser().parseFromString(html, "text/html");
  for (const name of ["lang", "dir"])
    document.documentElement.setAttribute(name, page.documentElement.getAttribute(name));
  document.title = page.title;
  document.body.replaceWith(document.adoptNode(page.body));
  return document.documentElement.lang;
}"""


class Gallery:
    """``folder``: where the pictures go, None where none are wanted.

    States are reached in ``page`` and judged on a light table, a second page that has axe at hand:
    with what the scripts made of them in English, and as they were sent in the other languages.
    """

    def __init__(self, page: Page, site: str, folder: Path | None) -> None:
        self.page = page
        self.site = site
        self._folder = folder
        self._browser = page.context.new_cdp_session(page) if folder else None
        self._shown = ("GET", site, None)
        page.on("request", self._note)
        self._resize(NARROWEST)
        self._table = page.context.new_page()
        self._table.set_viewport_size({"width": NARROWEST, "height": 700})
        self._table.goto(f"{site}{LOGIN}")
        self._table.add_style_tag(url="/static/localcloud/inbox.css")

    def close(self) -> None:
        self.page.remove_listener("request", self._note)
        self._hang()

    def _note(self, request: Request) -> None:
        if request.is_navigation_request():
            self._shown = (request.method, request.url, request.post_data)

    def go(self, path: str) -> None:
        self.page.goto(f"{self.site}{path}", wait_until="domcontentloaded")

    def reload(self) -> None:
        """Reload the page, and send the form again that it is the answer to."""
        self.page.reload(wait_until="domcontentloaded")

    def ask(self, number: str) -> None:
        self.go(LOGIN)
        self.page.locator("#id_phone").fill(number)
        with self.page.expect_navigation(wait_until="domcontentloaded"):
            self.page.locator("#id_phone").press("Enter")

    def answer(self, code: str) -> None:
        """Type a code, which sends itself if it is whole."""
        with self.page.expect_navigation(wait_until="domcontentloaded"):
            self.page.locator("#id_code").fill(code)
            if len(code) < 6:
                self.page.locator("#id_code").press("Enter")

    def press(self, name: str) -> None:
        with self.page.expect_navigation(wait_until="domcontentloaded"):
            self.page.get_by_role("button", name=name).click()

    def submit(self, action: str) -> None:
        """Press the first button of a form, whatever it is called in this language."""
        with self.page.expect_navigation(wait_until="domcontentloaded"):
            self.page.locator(
                f"form[action='{action}'] button, button[formaction='{action}']"
            ).first.click()

    def open(self, place: str) -> None:
        self.page.locator(f"{place} summary").first.click()

    def take(self, name: str, again: Callable[[], object] | None = None) -> None:
        """Judge the state that the page is in, in every look.

        ``again`` brings it back in another language, if a reload does not.
        """
        self._lay(self._html(), name, "en")
        assert_accessible(self._table)
        for language in ("de", "ar"):
            self._lay(self._told_in(language, again), name, language)
        if self._folder:
            self._picture(self._folder, name, again or self.reload)
        self.page.context.clear_cookies(name="language")

    def _lay(self, html: str, name: str, language: str) -> None:
        assert self._table.evaluate(LAY, html) == language, name
        assert self._table.evaluate(CUT_OFF) == [], f"{name} in {language}"

    def _html(self) -> str:
        return self.page.evaluate("document.documentElement.outerHTML")

    def _told_in(self, language: str, again: Callable[[], object] | None) -> str:
        if again:
            self._speak(language)
            again()
            return self._html()
        method, url, data = self._shown
        headers = {"Accept-Language": language}
        if data:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        request = self.page.context.request
        return request.fetch(url, method=method, data=data, headers=headers).text()

    def _picture(self, folder: Path, name: str, again: Callable[[], object]) -> None:
        spoken = ""
        for look, (language, width, theme) in LOOKS.items():
            if language != spoken:
                self._speak(language)
                again()
                spoken = language
            self._shoot(folder / f"{name}.{look}.png", width, theme)

    def _speak(self, language: str) -> None:
        cookie = {"name": "language", "value": language, "url": self.site}
        self.page.context.add_cookies([cookie])

    def _resize(self, width: int) -> None:
        self.page.set_viewport_size({"width": width, "height": 700})

    def _shoot(self, path: Path, width: int, theme: str) -> None:
        """Playwright's own way packs tightly, which takes long a hundred times."""
        self._resize(width)
        self.page.emulate_media(color_scheme=theme)
        self.page.wait_for_load_state()
        self.page.evaluate(
            "for (const one of document.getAnimations())"
            " if (one instanceof CSSTransition) one.finish()"
        )
        height = self.page.evaluate("document.documentElement.scrollHeight")
        shot = self._browser.send(
            "Page.captureScreenshot",
            {
                "optimizeForSpeed": True,
                "captureBeyondViewport": True,
                "clip": {"x": 0, "y": 0, "width": width, "height": height, "scale": 1},
            },
        )
        path.write_bytes(base64.b64decode(shot["data"]))
        self.page.emulate_media(color_scheme="light")
        self._resize(NARROWEST)

    def _hang(self) -> None:
        """Write the page on which all pictures can be seen."""
        if not self._folder:
            return
        names = sorted({path.name.partition(".")[0] for path in self._folder.glob("*.png")})
        rows = "".join(
            f"<h2>{name}</h2>" + "".join(f"<img src={name}.{look}.png> " for look in LOOKS)
            for name in names
        )
        head = "<!doctype html><style>body{background:#888}img{vertical-align:top}</style>"
        (self._folder / "index.html").write_text(head + rows)


@pytest.fixture
def gallery(page: Page, site: str, project: Path, settings):
    settings.ACCOUNTS_COUNTRIES = ["US", "GB", "FR", "DE", "IN", "BR", "AE", "JP"]
    settings.ACCOUNTS_PHONE_POSTS = settings.ACCOUNTS_SENDS = "1000/hour"
    settings.ACCOUNTS_UNUSED_SENDS = "1000/hour"
    folder = project / ".local" / "gallery" if os.environ.get("PICTURES") else None
    if folder:
        folder.mkdir(parents=True, exist_ok=True)
    gallery = Gallery(page, site, folder)
    yield gallery
    gallery.close()


def enter(gallery: Gallery, user: User) -> None:
    """Give the browser a session, as a sign-in does."""
    client = Client()
    client.force_login(user)
    cookie = {"name": "sessionid", "value": client.cookies["sessionid"].value}
    gallery.page.context.add_cookies([{**cookie, "url": gallery.site}])


def test_gallery_of_the_way_in(gallery: Gallery, page: Page, phone, texts):
    def languages() -> None:
        gallery.go(LOGIN)
        gallery.open(".languages")

    def nothing_arrived() -> None:
        gallery.go(CODE)
        gallery.open("main")

    gallery.go(LOGIN)
    gallery.take("phone")
    languages()
    gallery.take("phone-languages", languages)
    for name, number in {
        "phone-empty": "",
        "phone-unknown": "12",
        "phone-takes-no-texts": "1-800-356-9377",
        "phone-of-another-country": "+34 612 34 56 78",
    }.items():
        gallery.ask(number)
        expect(page.locator("#error_phone")).to_be_visible()
        gallery.take(name)
    gallery.go("/changed")
    gallery.take("text-to-an-old-number")
    gallery.go("/no/K7F2Q")
    gallery.take("not-me")
    gallery.go("/accounts/login/backup/")
    gallery.take("backup-login")
    gallery.go(CODE)
    gallery.take("phone-after-a-dead-session", lambda: gallery.go(CODE))

    gallery.ask(phone)
    gallery.take("code")
    nothing_arrived()
    gallery.take("code-help", nothing_arrived)
    gallery.go(CODE)
    gallery.answer("12")
    gallery.take("code-malformed")
    code = texts(phone)[-1][:6]
    gallery.answer(f"{(int(code) + 1) % 10**6:06d}")
    expect(page.locator("#error_code")).to_contain_text("2 tries left")
    gallery.take("code-wrong")
    # As without scripts, which hold it back.
    with page.expect_navigation():
        page.evaluate("document.getElementById('resend').submit()")
    expect(page.get_by_role("alert")).to_be_visible()
    gallery.take("code-too-soon")
    gallery.go(CODE)
    gallery.answer(code)
    expect(page.get_by_role("heading", name="You are signed in")).to_be_visible()
    User.objects.update(is_staff=True)
    gallery.reload()
    gallery.take("home")

    def sign_out() -> None:
        enter(gallery, User.objects.get(phone=phone))
        gallery.go("/")
        gallery.submit(LOGOUT)

    sign_out()
    expect(page.get_by_text("You are signed out.")).to_be_visible()
    gallery.take("phone-after-signing-out", sign_out)
    gallery.go(INBOX)
    gallery.take("inbox")


@pytest.mark.usefixtures("alone")
def test_gallery_of_waiting(gallery: Gallery, page: Page, phone):
    """What the page of the code becomes by itself, and what an hour makes of it."""
    gallery.ask(phone)
    page.clock.install()

    def wait(seconds: int) -> None:
        page.reload()
        page.clock.fast_forward(seconds * 1000)

    wait(31)
    expect(page.locator("#wait")).to_have_text("You can ask for another text now.")
    gallery.take("code-may-be-sent-again", lambda: wait(31))
    wait(31)
    page.clock.fast_forward(270 * 1000)
    expect(page.locator("#lifetime")).to_contain_text("too old")
    gallery.take("code-grown-old", lambda: wait(301))
    with time_machine.travel(time.time() + 301, tick=True):
        page.reload()
        gallery.answer("123456")
        expect(page.locator("#error_code")).to_contain_text("too old")
        gallery.take("code-too-old")


APP = "/accounts/authenticator/"
KEY = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
SENT_TO = {"CODE_DELIVERY_DESTINATION": "+*******0123"}
SECOND_FACTORS = {
    "text": further_step("SMS_MFA", **SENT_TO),
    "mail": further_step("EMAIL_OTP", CODE_DELIVERY_DESTINATION="a***@e***"),
    "app": further_step("SOFTWARE_TOKEN_MFA"),
    "choice": further_step(
        "SELECT_MFA_TYPE", MFAS_CAN_CHOOSE='["SMS_MFA", "EMAIL_OTP", "SOFTWARE_TOKEN_MFA"]'
    ),
    "setup": further_step("MFA_SETUP", MFAS_CAN_SETUP='["SOFTWARE_TOKEN_MFA"]'),
}


def in_seconds(seconds: int) -> str:
    return str(int(time.time()) + seconds)


def test_gallery_of_other_channels(gallery: Gallery, page: Page, phone, settings):
    settings.COGNITO_CLIENT_ID, settings.COGNITO_CLIENT_SECRET = CLIENT_ID, CLIENT_SECRET
    settings.COGNITO_ISSUER, settings.TEXTS_FUNCTION = ISSUER, "texts"

    def sent(delivery: str) -> dict[str, object]:
        now = int(time.time())
        times = {"expires_at": now + 300, "resend_at": now, "texted_at": now, "now": now}
        challenge = {"challenge_id": "", "tries_left": 3, "code_length": 6, "reference": "K7F-2Q"}
        return {**times, **challenge, "delivery": delivery}

    with SignInPool() as pool:
        pool.connect(settings)
        cognito._made_gateway.cache_clear()
        User.objects.for_identity(pool.register(phone), phone, phone_verified=True)
        pool.says = {"resendAt": "0", "channels": "voice whatsapp email"}
        gallery.ask(phone)
        gallery.take("code-other-channels")
        for delivery, name in {"sent": "code-by", "misconfigured": "code-not-by"}.items():
            pool.functions["send_by"] = lambda asked, delivery=delivery: sent(delivery)
            for channel in ("voice", "whatsapp", "email"):
                gallery.go(CODE)
                with page.expect_navigation(wait_until="domcontentloaded"):
                    page.locator(f"button[value={channel}]").click()
                gallery.take(f"{name}-{channel}")
        pool.says = {"delivery": "landline", "channels": "voice"}
        gallery.ask(f"{phone[:-1]}7")
        gallery.take("code-landline-with-calls")


def test_gallery_of_troubles(gallery: Gallery, page: Page, phone, settings):
    settings.COGNITO_CLIENT_ID, settings.COGNITO_CLIENT_SECRET = CLIENT_ID, CLIENT_SECRET
    settings.COGNITO_ISSUER = ISSUER
    with SignInPool() as pool:
        pool.connect(settings)
        cognito._made_gateway.cache_clear()
        User.objects.for_identity(pool.register(phone), phone, phone_verified=True)
        gallery.go(LOGIN)
        page.locator("[name=remember]").check()
        states = {
            "code-opted-out": {"delivery": "opted_out"},
            "code-landline": {"delivery": "landline"},
            "code-blocked-country": {"delivery": "blocked_country"},
            "code-not-sent": {"delivery": "provider_down"},
            "code-delayed": {"delivery": "delayed"},
            "code-too-soon": {"delivery": "not_sent", "resendAt": in_seconds(24)},
            "code-too-soon-for-hours": {"delivery": "not_sent", "resendAt": in_seconds(80_000)},
            "code-wrong-elsewhere": {"wrongElsewhere": "3"},
            "code-locked": {"delivery": "locked"},
            "code-over-budget": {"delivery": "over_budget", "resendAt": in_seconds(1_500)},
            "code-over-budget-again": {
                "delivery": "over_budget",
                "resendAt": in_seconds(1_500),
                "textedAt": in_seconds(-40),
            },
            "code-reserved": {"delivery": "reserved", "openAt": in_seconds(1_380)},
            "code-of-eight-digits": {"codeLength": "8"},
        }
        for place, (name, says) in enumerate(states.items()):
            pool.says = {"resendAt": "0"} | says
            # A number whose wait is not over would not be asked for again.
            gallery.ask(f"{phone[:-2]}{place:02d}")
            gallery.take(name)
        pool.says = {}
        gallery.go(LOGIN)
        page.locator("[name=remember]").check()
        with page.expect_navigation():
            page.locator("#id_phone").press("Enter")
        gallery.go(LOGIN)
        gallery.take("phone-remembered")
        for offset in (1, 2, 3):
            gallery.go(CODE)
            gallery.answer(pool.wrong_code(offset))
        gallery.take("phone-after-three-wrong-codes")
        settings.ACCOUNTS_SIGN_IN_PLAN, settings.TEXTS_FUNCTION = "code authenticator", "texts"
        pool.functions["new_authenticator"] = lambda asked: {"salt": "s" * 22, "secret": KEY}
        enter(gallery, User.objects.get(phone=phone))
        gallery.go(APP)
        gallery.take("authenticator")
        gallery.submit(APP)
        gallery.take("authenticator-setup")
        pool.change(pool.sub_of(phone), **{"custom:authenticator": "s" * 22})
        gallery.go(APP)
        gallery.take("authenticator-there")
        page.context.clear_cookies(name="sessionid")
        for name, reply in SECOND_FACTORS.items():
            gallery.ask(phone)
            pool.fails("RespondToAuthChallenge", reply)
            pool.fails("AssociateSoftwareToken", Reply({"SecretCode": KEY, "Session": "a" * 40}))
            gallery.answer(pool.code())
            gallery.take(f"second-{name}")
            pool.faults.clear()
        gallery.ask(phone)
        pool.fails("RespondToAuthChallenge", further_step("NEW_PASSWORD_REQUIRED"))
        gallery.answer(pool.code())
        gallery.take("phone-further-step")
    settings.AWS_ENDPOINT_URL = "http://127.0.0.1:9"
    cognito._made_gateway.cache_clear()
    gallery.ask(phone[:-1] + "9")
    expect(page.get_by_role("alert")).to_be_visible()
    gallery.take("phone-out-of-service")
    settings.ACCOUNTS_PHONE_POSTS = "1/hour"
    gallery.ask("12")
    gallery.ask("12")
    expect(page.get_by_role("heading", name="Too many attempts")).to_be_visible()
    gallery.take("error-429")
    gallery.go(INBOX)
    gallery.take("inbox-down")


def test_gallery_of_a_password(gallery: Gallery, page: Page, phone, settings):
    """The plan that begins with one."""
    settings.ACCOUNTS_SIGN_IN_PLAN = "password code"
    settings.SITE_CONTACT = "help@example.com"
    settings.COGNITO_CLIENT_ID, settings.COGNITO_CLIENT_SECRET = CLIENT_ID, CLIENT_SECRET
    settings.COGNITO_USER_POOL_ID, settings.COGNITO_ISSUER = POOL_ID, ISSUER

    def sign_in(password: str) -> None:
        gallery.go(LOGIN)
        page.locator("#id_phone").fill(phone)
        page.locator("#id_password").fill(password)
        with page.expect_navigation(wait_until="domcontentloaded"):
            page.locator("#id_password").press("Enter")

    def without_one() -> None:
        gallery.go(LOGIN)
        gallery.open("main")

    with SignInPool() as pool:
        pool.connect(settings)
        cognito._made_gateway.cache_clear()
        sub = pool.register(phone)
        pool.passwords[sub] = "Right-Horse-7"
        pool.change(sub, UserStatus="CONFIRMED")
        gallery.go(LOGIN)
        gallery.take("password")
        without_one()
        gallery.take("password-none", without_one)
        sign_in("Wrong-Horse-7")
        expect(page.locator("#id_password")).to_be_focused()
        expect(page.locator("#id_password")).to_have_value("")
        gallery.take("password-wrong")
        pool.says = {"resendAt": "0"}
        sign_in("Right-Horse-7")
        expect(page.locator("#id_code")).to_be_focused()
        gallery.take("code-after-a-password")

        def once_more() -> None:
            gallery.go(CODE)
            gallery.submit(RESEND)

        once_more()
        expect(page.get_by_role("status").first).to_contain_text("We keep no password.")
        gallery.take("password-once-more", once_more)
        pool.change(sub, UserStatus="RESET_REQUIRED")
        sign_in("Right-Horse-7")
        expect(page.get_by_role("alert")).to_contain_text("must be replaced")
        gallery.take("password-to-be-replaced", lambda: sign_in("Right-Horse-7"))


def broken(request: HttpRequest) -> HttpResponse:
    raise RuntimeError("Broken on purpose")


def without_database(request: HttpRequest) -> HttpResponse:
    raise OperationalError("Away on purpose")


handler500 = urls.handler500
urlpatterns = [
    path("broken", broken),
    path("without-database", without_database),
    path("", include("config.urls")),
]


@pytest.mark.urls(__name__)
def test_gallery_of_errors(gallery: Gallery, page: Page, phone, settings):
    def spoil() -> None:
        page.evaluate("for (const one of csrfmiddlewaretoken) one.value = 'x'.repeat(64)")

    def without_cookies() -> None:
        page.context.clear_cookies(name="csrftoken")
        gallery.reload()

    def says(heading: str) -> None:
        expect(page.get_by_role("heading", level=1)).to_have_text(heading)

    tokens = "window.csrfmiddlewaretoken = document.getElementsByName('csrfmiddlewaretoken')"
    gallery.go("/nothing-here")
    says("There is nothing here")
    gallery.take("error-404")
    gallery.go("/broken")
    says("Something broke")
    gallery.take("error-500")
    gallery.go("/without-database")
    says("Please try again in a minute")
    gallery.take("error-503")
    gallery.go(LOGIN)
    page.locator("#id_phone").evaluate("each => each.value = '1'.repeat(70000)")
    gallery.press("Text me a code")
    says("That was too large")
    gallery.take("error-413")

    gallery.go(LOGIN)
    page.evaluate(tokens)
    spoil()
    page.locator("#id_phone").fill("(201) 555-01")
    gallery.press("Text me a code")
    expect(page.get_by_role("alert")).to_contain_text("too old")
    gallery.take("phone-of-an-old-tab")
    gallery.go(LOGIN)
    page.locator("#id_phone").fill("(201) 555-01")
    page.context.clear_cookies(name="csrftoken")
    gallery.press("Text me a code")
    expect(page.get_by_role("alert")).to_contain_text("no cookies")
    gallery.take("phone-without-cookies", without_cookies)

    enter(gallery, User.objects.for_identity("no-operator", phone))
    gallery.go("/admin/login/")
    says("You do not have access to this page")
    gallery.take("error-403")
    gallery.go("/")
    page.evaluate(tokens)
    spoil()
    gallery.press("Sign out")
    says("That page was too old")
    gallery.take("error-of-an-old-tab")
    gallery.go("/")
    page.context.clear_cookies(name="csrftoken")
    gallery.press("Sign out")
    says("Your browser sent no cookies")
    gallery.take("error-without-cookies", without_cookies)

    settings.ALLOWED_HOSTS = ["elsewhere.example"]
    gallery.go("/")
    says("That did not work")
    gallery.take("error-400")


@pytest.fixture
def person(gallery: Gallery, phone: str) -> User:
    """Somebody who is signed in in the browser."""
    user = User.objects.for_identity(cognito.gateway().create_user(phone).sub, phone)
    enter(gallery, user)
    user.sessions.update(device="Chrome on Linux", network="127.0.0.0/24")
    return user


def another(user: User, device: str, **facts) -> Session:
    """A session of the person elsewhere."""
    now = timezone.now()
    return Session.objects.create(
        session_key=sessions.digest(f"elsewhere{next(_numbers)}"),
        user=user,
        device=device,
        **{
            "network": "203.0.113.0/24",
            "signed_in_at": now - timedelta(days=3),
            "last_seen": now - timedelta(hours=2),
            "expire_date": now + timedelta(days=1),
            **facts,
        },
    )


_numbers = count()


def test_gallery_of_devices(
    gallery: Gallery, page: Page, person: User, phone, texts, age_ledger, on_cloud, settings
):
    settings.TEXTS_FUNCTION = on_cloud.outputs["TextsFunction"]
    gallery.go("/accounts/backup-codes/")
    gallery.take("backup-codes-none")

    def draw() -> None:
        gallery.go("/accounts/backup-codes/")
        gallery.submit("/accounts/backup-codes/")

    draw()
    gallery.take("backup-codes", draw)
    settings.TEXTS_FUNCTION = ""
    gallery.go(DEVICES)
    gallery.take("devices-alone")
    now = timezone.now()
    another(person, "iPad")
    another(person, "", network="2001:db8:1200:3400::/56")
    for why, device in {"too_old": "", "taken_over": "Firefox on Windows"}.items():
        another(person, device, ended_at=now - timedelta(hours=5), ended_why=why)
    Session.objects.filter(device__contains="Linux").update(newcomer="iPad", newcomer_at=now)
    gallery.go("/")
    gallery.take("home-with-a-newcomer")
    gallery.go(ACCOUNT)
    gallery.take("account")
    gallery.go(DEVICES)
    gallery.take("devices")
    gallery.go(DEVICES)
    gallery.press("That was me")

    def end_others() -> None:
        another(person, "iPad")
        another(person, "Safari on Mac")
        gallery.go(DEVICES)
        gallery.submit(f"{DEVICES}end-others/")

    end_others()
    expect(page.get_by_text("4 other devices are signed out.")).to_be_visible()
    gallery.take("devices-after-signing-out-others", end_others)

    Session.objects.filter(user=person).update(confirmed_at=None)
    gallery.go(CONFIRM)
    gallery.take("confirm")
    gallery.go(CONFIRM)
    gallery.press("Text me a code")
    gallery.take("confirm-code")
    for by in (1, 2, 3):
        gallery.answer(wrong(texts(phone)[-1][:6], by))
    gallery.take("confirm-over")
    gallery.go("/")
    gallery.press("Sign out")
    another(person, "iPad")
    settings.ACCOUNTS_SHARING_POLICY = "ask"
    age_ledger(31)
    gallery.ask(phone)
    gallery.answer(texts(phone)[-1][:6])
    expect(page.get_by_role("button", name="Continue here")).to_be_visible()
    gallery.take("takeover")
    Session.objects.filter(device="iPad").update(ended_at=now)
    page.reload()
    gallery.take("takeover-of-nothing")

    def cancel() -> None:
        place(page, gallery.site, phone, TAKE_OVER, proven=person.pk, proven_at=time.time())
        gallery.submit(CANCEL)

    another(person, "iPad")
    cancel()
    expect(page.get_by_text("Your other device still is.")).to_be_visible()
    gallery.take("phone-after-cancelling", cancel)


def test_gallery_of_email(gallery: Gallery, page: Page, person: User, on_cloud, settings):
    settings.TEXTS_FUNCTION = on_cloud.outputs["TextsFunction"]
    settings.ACCOUNTS_EMAIL = True
    gallery.go(EMAIL)
    gallery.take("email-none")

    def mistype() -> None:
        gallery.go(EMAIL)
        gallery.submit(EMAIL)

    mistype()
    gallery.take("email-malformed", mistype)
    cognito.gateway().set_email(person.sub, "ada.lovelace.the.first@department.example.org")
    gallery.go(EMAIL)
    gallery.take("email")
    asked = {"kind": "resent", "reason": "email", "reference": "K7F-2Q", "user": person}
    SignInEvent(**asked, device="Firefox on Windows").save()
    gallery.go(f"/accounts/login/link/K7F2Q/{'A' * 27}/")
    gallery.take("login-link-elsewhere")
    gallery.go(f"/accounts/login/link/AAAAA/{'A' * 27}/")
    gallery.take("login-link-over")


def test_gallery_of_a_second_number(gallery: Gallery, page: Page, person: User, on_cloud, settings):
    settings.TEXTS_FUNCTION = on_cloud.outputs["TextsFunction"]
    settings.ACCOUNTS_SECOND_NUMBER = True
    gallery.go(SECOND)
    gallery.take("second-number-none")

    def mistype() -> None:
        gallery.go(SECOND)
        gallery.submit(SECOND)

    mistype()
    gallery.take("second-number-malformed", mistype)
    User.objects.update(second_phone="+12025550144")
    gallery.go(SECOND)
    gallery.take("second-number")
    gallery.go("/accounts/logout/")
    page.context.clear_cookies()
    gallery.go("/accounts/login/backup/")
    gallery.take("backup-login-with-a-second-number")
    for way in ("email", "second_number"):
        place(page, gallery.site, person.phone, CODE, way=way)
        gallery.take(f"code-{way.replace('_', '-')}")


def test_gallery_of_passkeys(gallery: Gallery, page: Page, person: User, settings):
    settings.ACCOUNTS_WRONG_CODES = "1000/hour"
    gallery.go(PASSKEYS)
    gallery.take("passkeys-none")
    now = timezone.now()
    facts = {"user": person, "public_key": b"", "handle": "h", "host": "localhost"}
    Passkey.objects.create(
        **facts,
        credential_id="one",
        name="iCloud Keychain",
        is_synced=True,
        created_at=now - timedelta(days=40),
        last_used_at=now - timedelta(hours=3),
    )
    Passkey.objects.create(**facts, credential_id="two", name="Windows Hello")
    Passkey.objects.create(
        **facts, credential_id="three", name="Firefox on Linux", copied_at=now, is_synced=True
    )
    gallery.go(PASSKEYS)
    gallery.take("passkeys")

    def rename() -> None:
        gallery.go(PASSKEYS)
        page.locator("summary").first.click()

    rename()
    gallery.take("passkeys-rename", rename)
    User.objects.update(has_copied_passkey=True)
    gallery.go("/")
    gallery.take("home-with-a-copied-passkey")
    User.objects.update(has_copied_passkey=False)
    gallery.go(OFFER)
    gallery.take("passkey-offer")
    gallery.go(f"{PASSKEYS}add/")
    gallery.take("passkey-add")

    def refuse() -> None:
        gallery.go(f"{PASSKEYS}add/")
        with page.expect_navigation():
            page.evaluate("document.getElementById('passkey').submit()")

    refuse()
    gallery.take("passkey-refused", refuse)

    def fail() -> None:
        gallery.go(f"{PASSKEYS}add/")
        page.locator("#passkey button").click()
        expect(page.get_by_role("alert")).to_be_visible()

    fail()
    gallery.take("passkey-none-made", fail)
    page.context.clear_cookies(name="sessionid")

    def sign_in() -> None:
        gallery.go(LOGIN)
        with page.expect_navigation():
            page.evaluate("document.getElementById('passkey').submit()")

    sign_in()
    gallery.take("phone-after-a-refused-passkey", sign_in)


def test_gallery_of_what_opens_the_admin(gallery: Gallery, page: Page, person: User, settings):
    settings.ACCOUNTS_STAFF_SECOND_FACTOR = True
    settings.ACCOUNTS_WRONG_CODES = "1000/hour"
    User.objects.update(is_staff=True)
    gallery.go(OPERATORS)
    gallery.take("operator-sets-up")

    def refuse() -> None:
        gallery.go(OPERATORS)
        page.get_by_role("textbox").fill("22222-22222")
        page.get_by_role("textbox").press("Enter")
        expect(page.get_by_role("alert")).to_be_visible()

    refuse()
    gallery.take("operator-typed-a-wrong-set-up-code", refuse)
    gallery.go(f"{PASSKEYS}add/")
    gallery.take("operator-adds-a-passkey")
    Passkey.objects.create(
        user=person, public_key=b"", host="localhost", name="Pixel", opens_admin=True
    )
    gallery.go(OPERATORS)
    gallery.take("operator-has-a-passkey")
    gallery.go(PASSKEYS)
    gallery.take("operator-passkeys")


def test_gallery_of_a_dormant_account(gallery: Gallery, page: Page, phone, settings):
    settings.ACCOUNTS_SIGN_UP = "open"
    long_ago = timezone.now() - timedelta(days=500)
    user = User.objects.for_identity("dormant", phone)
    User.objects.update(last_login=long_ago)

    def ask(**facts: object) -> None:
        told = {"dormant": user.pk, "proven_at": time.time(), "reference": "K7F-2Q", **facts}
        place(page, gallery.site, phone, DORMANT, **told)

    ask()
    expect(page.get_by_role("button", name="Begin with a new account")).to_be_visible()
    gallery.take("dormant", ask)
    settings.ACCOUNTS_SIGN_UP = "closed"
    ask()
    gallery.take("dormant-without-sign-up", ask)
    ask(has_asked=True)
    gallery.take("dormant-asked", lambda: ask(has_asked=True))


def test_gallery_of_a_recovery(gallery: Gallery, page: Page, phone, settings):
    settings.TEXTS_FUNCTION = "anything"
    gallery.go(steps.RECOVER)
    gallery.take("recover")
    gallery.page.locator("#id_code").fill("K7F2")
    gallery.submit(steps.RECOVER)
    gallery.take("recover-malformed")
    gallery.go("/stop/K7F2Q9XM")
    gallery.take("stop-recovery")
    gallery.submit("/stop/K7F2Q9XM")
    gallery.take("stop-recovery-over")
    user = User.objects.for_identity("lost", phone)
    now = timezone.now()
    row = Recovery.objects.create(
        user=user,
        reason=steps.REASON,
        state="waiting",
        started_at=now,
        ready_at=now,
        ends_at=now + timedelta(days=1),
        stop_key=recoveries.digest("stop", "K7F2Q9XM"),
    )

    def stop() -> None:
        Recovery.objects.update(state="waiting")
        gallery.go("/stop/K7F2Q9XM")
        gallery.submit("/stop/K7F2Q9XM")

    stop()
    gallery.take("stop-recovery-done", stop)
    Recovery.objects.update(state="waiting")
    code = recovery_codes.give(Recovery.objects.get(pk=row.pk))
    gallery.go(steps.RECOVER)
    gallery.page.locator("#id_code").fill(code)
    gallery.submit(steps.RECOVER)
    gallery.take("recover-number")
    Recovery.objects.update(state="proven")
    gallery.go(steps.DONE)
    gallery.take("recovered-later")
    Recovery.objects.update(state="done")
    gallery.go(steps.DONE)
    gallery.take("recovered")
    User.objects.update(recovery_until=now + timedelta(days=1))
    sign_in(page.context, gallery.site, user)
    gallery.go("/")
    gallery.take("home-while-recovered")


def test_gallery_of_endings(gallery: Gallery, page: Page, phone):
    user = User.objects.for_identity("ended", phone)
    for why in sorted({*Session.Ended.values} - {"signed_out"}):
        by = "Firefox on Windows" if why in ("taken_over", "by_person") else ""
        session = another(user, "iPhone", ended_at=timezone.now(), ended_why=why, ended_by=by)

        key = f"ended{why}".replace("_", "")
        Session.objects.filter(pk=session.pk).update(session_key=sessions.digest(key))

        def again(key: str = key) -> None:
            cookie = {"name": "sessionid", "value": key, "url": gallery.site}
            page.context.add_cookies([cookie])
            gallery.go(ENDED)

        again()
        gallery.take(f"ended-{why.replace('_', '-')}", again)


def test_gallery_of_numbers(
    gallery: Gallery, page: Page, person: User, phone, texts, on_cloud, settings
):
    settings.TEXTS_FUNCTION = on_cloud.outputs["TextsFunction"]
    block = phone[:-4]
    cognito.gateway().create_user(f"{block}0456")

    def change(number: str) -> None:
        gallery.go(NUMBER)
        page.locator("#id_phone").fill(number)
        with page.expect_navigation(wait_until="domcontentloaded"):
            page.locator("#id_phone").press("Enter")

    gallery.go(NUMBER)
    gallery.take("number")
    change(phone)
    gallery.take("number-of-their-own")
    change(f"{block}0456")
    gallery.take("number-code")
    gallery.answer(texts(f"{block}0456")[-1][:6])
    expect(page.get_by_role("heading", name="account of its own")).to_be_visible()
    gallery.take("number-taken")
    made = User.objects.for_identity(
        cognito.gateway().find_user(f"{block}0456").sub, f"{block}0456"
    )
    User.objects.filter(pk=made.pk).update(last_login=timezone.now() - timedelta(days=500))
    gallery.reload()
    gallery.take("number-taken-by-a-dormant-account")
    gallery.submit(f"{NUMBER}wanted/")
    gallery.take("number-taken-and-asked-for")

    def keep() -> None:
        change(f"{block}0457")
        gallery.submit(f"{NUMBER}cancel/")

    keep()
    expect(page.get_by_text("Your number stays as it is.")).to_be_visible()
    gallery.take("home-after-keeping-the-number", keep)
    change(f"{block}0459")
    for by in (1, 2, 3):
        gallery.answer(wrong(texts(f"{block}0459")[-1][:6], by))
    gallery.take("number-over")
    change(f"{block}0458")
    gallery.answer(texts(f"{block}0458")[-1][:6])
    another(person, "iPad")
    page.reload()
    expect(page.get_by_role("heading", name="Your number is changed")).to_be_visible()
    gallery.take("number-changed")

    order = Operation.objects.create(
        kind="change_number", user=person, by=person, params={"phone": f"{block}0459"}
    )
    gallery.go(NUMBER)
    gallery.take("number-under-way")
    gallery.go(CHANGED)
    gallery.take("number-changed-later")
    Operation.objects.filter(pk=order.pk).update(state="refused", remark="phone_taken")
    gallery.go(NUMBER)
    gallery.take("number-refused")
    gallery.go(CHANGED)
    gallery.take("number-not-changed")
    User.objects.update(phone=None)
    Session.objects.update(confirmed_at=None)
    gallery.go(CONFIRM)
    gallery.take("confirm-without-a-number")
