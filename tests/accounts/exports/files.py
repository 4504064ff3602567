"""Exports of tests: operators who may make them, people in the list, and the file as one text."""

import csv
import io

from django.contrib.auth.models import Permission

from accounts.models import Export, User
from tests.accounts.operators import make_operator


def exporter(*rights: str, number: int = 1) -> User:
    """An operator who sees people and may export them, and what is named."""
    user = make_operator(number)
    wanted = ["view_user", "export_lists", *rights]
    user.user_permissions.set(Permission.objects.filter(codename__in=wanted))
    # Permissions are remembered on the object.
    return User.objects.get(pk=user.pk)


def people(number: int, **facts) -> list[User]:
    pool = User.objects.for_identity("sub-of-the-first", None).pool
    return User.objects.bulk_create(
        User(pool=pool, sub=f"sub-{n:05}", phone=f"+1201555{n:04}", **facts) for n in range(number)
    )


def text_of(export: Export) -> str:
    return "".join(export.parts.order_by("number").values_list("text", flat=True))


def rows_of(export: Export) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text_of(export).removeprefix("\ufeff"), "")))


def subs_of(export: Export) -> list[str]:
    return [row["sub"] for row in rows_of(export)]
