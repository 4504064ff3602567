"""A page with all texts, calls, WhatsApp messages and mails of local mode, and of it only."""

import ipaddress
import re
from collections import defaultdict
from dataclasses import dataclass
from itertools import zip_longest

import requests
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

SHOWN_PER_PHONE = 10
_ADDRESS = re.compile(
    r"\b[a-z0-9.-]+/(?:no/[A-Z0-9]{5}\b|changed\b|accounts/login/link/[A-Z0-9]{5}/[A-Za-z0-9_-]{27}/)"
)


@dataclass(frozen=True)
class Text:
    """One message, as it was kept. ``phone`` is an address where ``channel`` is a mail."""

    phone: str
    body: str
    channel: str = "text"

    @property
    def code(self) -> str:
        """The code that a phone offers to fill in, of the last line ``@host #code``.

        In a message of another channel, of which no phone does so, the first code.
        """
        if self.channel == "text":
            found = re.search(r"^@\S+ #([0-9]+)\Z", self.body, re.MULTILINE)
        else:
            found = re.search(r"\b([0-9](?: ?[0-9]){5,7})\b", self.body)
        return found[1].replace(" ", "") if found else ""

    @property
    def address(self) -> str:
        """An address of the site in the text, of which phones make a link; "" without one."""
        found = _ADDRESS.search(self.body)
        return found[0] if found else ""

    @property
    def path(self) -> str:
        """The path of that address: here, links lead to this machine and its port."""
        return f"/{self.address.partition('/')[2]}"

    @property
    def around(self) -> tuple[str, str]:
        """The text before the address, and the text after it."""
        before, _, after = (
            self.body.partition(self.address) if self.address else (self.body, "", "")
        )
        return before, after


def texts(endpoint_url: str, phone: str | None = None) -> list[Text]:
    """Return the texts that were sent, oldest first per phone. Raises requests' errors."""
    reply = requests.get(
        f"{endpoint_url}/_ministack/sns/sms-messages",
        params={"phoneNumber": phone} if phone else {},
        timeout=5,
    )
    reply.raise_for_status()
    return [
        Text(phone=number, body=message["Message"])
        for number, messages in reply.json()["sms_messages"].items()
        for message in messages
    ]


def others(endpoint_url: str, messaging_url: str) -> list[Text]:
    """Return calls, WhatsApp messages and mails, oldest first. Raises requests' errors."""
    kept = requests.get(f"{messaging_url}/messages", timeout=5)
    mails = requests.get(f"{endpoint_url}/_ministack/ses/messages", timeout=5)
    kept.raise_for_status()
    mails.raise_for_status()
    return [Text(each["to"], each["body"], each["channel"]) for each in kept.json()["messages"]] + [
        Text(address, f"{mail['Subject']}\n\n{mail['BodyText']}", "email")
        for account in mails.json()["messages"].values()
        for mail in account
        for address in mail["To"]
    ]


def newest_first(texts: list[Text]) -> list[Text]:
    """Return the newest message of every phone, then the one before it of each, and so on.

    The emulator keeps no times: of two phones nobody knows which text came first, nor of a text
    and a call, so the channels of a phone stand as phones of their own.
    """
    by_phone: dict[tuple[str, str], list[Text]] = defaultdict(list)
    for text in texts:
        by_phone[text.channel, text.phone].insert(0, text)
    latest_phone_first = [mine[:SHOWN_PER_PHONE] for mine in reversed(by_phone.values())]
    return [text for row in zip_longest(*latest_phone_first) for text in row if text]


@require_safe
@never_cache
def inbox(request: HttpRequest) -> HttpResponse:
    """Show everybody's newest texts."""
    if not ipaddress.ip_address(request.META["REMOTE_ADDR"]).is_loopback:
        raise Http404
    try:
        found = texts(settings.AWS_ENDPOINT_URL)
        if settings.LOCAL_MESSAGING_URL:
            found += others(settings.AWS_ENDPOINT_URL, settings.LOCAL_MESSAGING_URL)
        newest = newest_first(found)
    except requests.RequestException:
        return render(request, "localcloud/inbox.html", {"is_down": True}, status=503)
    return render(request, "localcloud/inbox.html", {"texts": newest})


def context(request: HttpRequest) -> dict[str, str]:
    """Let every page of the site link to the inbox."""
    return {"local_inbox_url": reverse("localcloud:inbox")}
