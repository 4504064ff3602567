"""What django-allauth asks of a site that knows people by their phones, as its example has it."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter

from tests.bench.peer.models import User

TEXTS: dict[str, str] = {}


class Adapter(DefaultAccountAdapter):
    def send_verification_code_sms(self, user: User, phone: str, code: str, **kwargs: Any) -> None:
        TEXTS[phone] = code

    def get_phone(self, user: User) -> tuple[str, bool] | None:
        return (user.phone, user.phone_verified) if user.phone else None

    def set_phone(self, user: User, phone: str, verified: bool) -> None:
        user.phone, user.phone_verified = phone, verified
        user.save(update_fields=["phone", "phone_verified"])

    def set_phone_verified(self, user: User, phone: str) -> None:
        self.set_phone(user, phone, True)

    def get_user_by_phone(self, phone: str) -> User | None:
        return User.objects.filter(phone=phone).first()
