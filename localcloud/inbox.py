"""A page with all texts that the emulator kept. Local mode only."""

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


@dataclass(frozen=True)
class Text:
    """One text message, as the emulator kept it."""

    phone: str
    body: str

    @property
    def code(self) -> str:
        """The code that a phone offers to fill in, of the last line ``@host #code``."""
        bound = re.search(r"^@\S+ #([0-9]+)\Z", self.body, re.MULTILINE)
        return bound[1] if bound else ""


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


def newest_first(texts: list[Text]) -> list[Text]:
    """Return the newest text of every phone, then the one before it of each, and so on.

    The emulator keeps no times: of two phones nobody knows which text came first.
    """
    by_phone: dict[str, list[Text]] = defaultdict(list)
    for text in texts:
        by_phone[text.phone].insert(0, text)
    latest_phone_first = [mine[:SHOWN_PER_PHONE] for mine in reversed(by_phone.values())]
    return [text for row in zip_longest(*latest_phone_first) for text in row if text]


@require_safe
@never_cache
def inbox(request: HttpRequest) -> HttpResponse:
    """Show everybody's newest texts."""
    if not ipaddress.ip_address(request.META["REMOTE_ADDR"]).is_loopback:
        raise Http404
    try:
        newest = newest_first(texts(settings.AWS_ENDPOINT_URL))
    except requests.RequestException:
        return render(request, "localcloud/inbox.html", {"is_down": True}, status=503)
    return render(request, "localcloud/inbox.html", {"texts": newest})


def context(request: HttpRequest) -> dict[str, str]:
    """Let every page of the site link to the inbox."""
    return {"local_inbox_url": reverse("localcloud:inbox")}
