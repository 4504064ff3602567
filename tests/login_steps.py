"""The steps of a sign-in with Django's test client, against any Cognito."""

import re

from django.test import Client

from accounts.models import User
from tests.codes import code_in

LOGIN, CODE, RESEND, LOGOUT = (
    "/accounts/login/",
    "/accounts/login/code/",
    "/accounts/login/resend/",
    "/accounts/logout/",
)
TAKE_OVER, CANCEL = "/accounts/login/take-over/", "/accounts/login/cancel/"
# The user agents of devices, by the names that the site gives them.
AGENTS = {
    "iPhone": "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 "
    "(KHTML, like Gecko) Version/17.0 Mobile/15E148 Safari/604.1",
    "Firefox on Linux": "Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0",
    "iPad": "Mozilla/5.0 (iPad; CPU OS 17_0 like Mac OS X) AppleWebKit/605.1.15 "
    "(KHTML, like Gecko) Version/17.0 Mobile/15E148 Safari/604.1",
}


def device(name: str = "Firefox on Linux") -> Client:
    """A browser that has been on this site before, so that it has a cookie to be known by."""
    client = Client(headers={"user-agent": AGENTS[name]})
    client.get(LOGIN)
    return client


def ask(client: Client, phone: str, **extra: str):
    return client.post(LOGIN, {"phone": phone, **extra})


def answer(client: Client, code: str):
    return client.post(CODE, {"code": code})


def who(client: Client) -> User | None:
    """Return the person as whom the browser is signed in."""
    found = client.session.get("_auth_user_id")
    return User.objects.get(pk=found) if found else None


def same_cookies(client: Client) -> Client:
    """The same browser, before it learns how its next request ends."""
    twin = Client()
    twin.cookies.load({name: morsel.value for name, morsel in client.cookies.items()})
    return twin


def is_signed_in(client: Client) -> bool:
    return client.get("/").status_code == 200


def sign_in(client: Client, phone: str, texts) -> None:
    """Sign in with the code that the local AWS texted."""
    ask(client, phone)
    assert answer(client, code_in(texts(phone)[-1])).status_code == 302
    assert is_signed_in(client)


def form(page) -> dict[str, str]:
    """The hidden fields of the page that asks whether to take over."""
    return dict(
        re.findall(r'type="hidden" name="(attempt|handle)" value="([^"]*)"', page.content.decode())
    )
