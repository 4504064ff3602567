"""The steps of a recovery, as operators and people take them."""

import re
from datetime import timedelta

from django.test import Client
from django.utils import timezone

from accounts.models import Recovery, User
from tests.accounts.operators import make_operator
from tests.pages import signed_in

RECOVER, NUMBER, CODE, DONE = (
    f"/accounts/recover/{step}" for step in ("", "number/", "number/code/", "done/")
)
ADMIN = "/admin/accounts/recovery/"
REASON = "Knew the last three orders and the address."


def operator(number: int = 1) -> Client:
    return signed_in(make_operator(number, is_superuser=True))


def start(client: Client, user: User, reason: str = REASON):
    return client.post(f"{ADMIN}start/", {"ids": user.pk, "reason": reason}, follow=True)


def press(client: Client, step: str, row: Recovery):
    return client.post(f"{ADMIN}{step}/", {"ids": row.pk}, follow=True)


def wait(row: Recovery) -> None:
    """Let the waiting time be over."""
    Recovery.objects.filter(pk=row.pk).update(ready_at=timezone.now() - timedelta(minutes=1))


def code_on(page) -> str:
    return re.search(r"<code[^>]*>([A-Z0-9-]{14})</code>", page.content.decode())[1]


def type_code(client: Client, code: str):
    return client.post(RECOVER, {"code": code})
