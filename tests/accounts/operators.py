"""Operators, and the people on whose accounts they act."""

from datetime import timedelta

from django.utils import timezone

from accounts.models import Session, User


def make_operator(number: int = 1, **rights) -> User:
    user = User.objects.for_identity(f"sub-of-operator-{number}", None)
    user.is_staff = True
    for name, value in rights.items():
        setattr(user, name, value)
    user.save()
    return user


def session_of(user: User, key: str = "k" * 32, minutes_ago: int = 5) -> Session:
    now = timezone.now()
    return Session.objects.create(
        session_key=key,
        user=user,
        signed_in_at=now - timedelta(minutes=minutes_ago),
        expire_date=now + timedelta(days=1),
    )


def again(user: User) -> User:
    return User.objects.get(pk=user.pk)
