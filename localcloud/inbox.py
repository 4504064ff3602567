"""The phone of everybody: a page with the texts that the emulator kept. Local mode only."""

from dataclasses import dataclass

import requests
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

SHOWN = 20


@dataclass(frozen=True)
class Text:
    phone: str
    body: str


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


@require_safe
@never_cache
def inbox(request: HttpRequest) -> HttpResponse:
    try:
        newest_first = texts(settings.AWS_ENDPOINT_URL)[::-1][:SHOWN]
    except requests.RequestException:
        return render(request, "localcloud/inbox.html", {"is_down": True}, status=503)
    return render(request, "localcloud/inbox.html", {"texts": newest_first})


def context(request: HttpRequest) -> dict[str, str]:
    return {"local_inbox_url": reverse("localcloud:inbox")}
