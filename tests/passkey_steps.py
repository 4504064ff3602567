"""The steps of passkeys with Django's test client."""

import json
import re
from html import unescape

from django.test import Client

from accounts.models import Passkey, User
from tests.authenticator import Authenticator

LOGIN, SIGN_IN = "/accounts/login/", "/accounts/login/passkey/"
LIST, ADD, OFFER = "/accounts/passkeys/", "/accounts/passkeys/add/", "/accounts/passkeys/offer/"
RENAME, REMOVE = "/accounts/passkeys/rename/", "/accounts/passkeys/remove/"
WAYS = "/accounts/ways/"


def browser(**extra: str) -> Client:
    """A browser on the machine of the site."""
    return Client(headers={"host": "localhost", **extra})


def options(client: Client, address: str = LOGIN) -> dict:
    """What a page asks the browser for a passkey."""
    page = client.get(address)
    assert page.status_code == 200, page
    [found] = re.findall(r'data-options="([^"]*)"', page.content.decode())
    return json.loads(unescape(found))


def make(client: Client, device: Authenticator, address: str = ADD) -> Passkey:
    """Make a passkey for whoever is signed in."""
    text = device.create(options(client, address))
    assert client.post(address, {"credential": text}).status_code == 302
    return Passkey.objects.latest("pk")


def give(user: User, device: Authenticator) -> Passkey:
    """Make a passkey for a person, in a browser of their own."""
    client = browser()
    client.force_login(user)
    return make(client, device)


def sign_in(client: Client, device: Authenticator, **extra: str):
    """Sign in by passkey, and return the response."""
    text = device.get(options(client))
    return client.post(SIGN_IN, {"credential": text, **extra})
