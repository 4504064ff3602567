"""Pages of the site with Django's test client, and what is read on them."""

import html
import re

from django.test import Client

from accounts.models import User


def signed_in(user: User) -> Client:
    """The browser of somebody who typed a code a moment ago."""
    client = Client()
    client.force_login(user)
    return client


def text(page) -> str:
    return page.content.decode()


def spaced(page) -> str:
    """The page with a plain space for one at which no line may break."""
    return text(page).replace("\xa0", " ")


def plain(page) -> str:
    """The page with ``&amp;`` and the like as people read them."""
    return html.unescape(text(page))


def shown(page) -> str:
    """The words of the page, without its tags."""
    return " ".join(re.sub(r"<[^>]*>", " ", text(page)).split())


def said(page) -> str:
    return " ".join(str(message) for message in page.context["messages"])
