"""Who signs in here. An account is a Cognito ``sub``; the phone beside it may change hands."""

from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import PermissionsMixin
from django.db import models, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class UserManager(BaseUserManager["User"]):
    def for_identity(
        self, sub: str, phone: str | None, *, phone_verified: bool | None = None
    ) -> "User":
        """Return the user of this Cognito identity, made on first sight, with its present phone.

        What is None is not known, and stays as it was.

        Two first logins at once give one row. A phone that another identity had moves here: the
        number changed hands, the accounts stay apart.
        """
        with transaction.atomic():
            if phone is not None:
                self.filter(phone=phone).exclude(sub=sub).update(phone=None)
            user, _ = self.get_or_create(
                sub=sub, defaults={"phone": phone, "password": make_password(None)}
            )
            seen = (
                user.phone if phone is None else phone,
                user.phone_verified if phone_verified is None else phone_verified,
            )
            if (user.phone, user.phone_verified) != seen:
                user.phone, user.phone_verified = seen
                user.save(update_fields=["phone", "phone_verified"])
        return user

    def create_superuser(self, *args: Any, **kwargs: Any) -> "User":
        raise NotImplementedError("Operators sign in by phone: use manage.py make_admin")


class User(AbstractBaseUser, PermissionsMixin):
    """A person. The inherited password is never usable; it still seeds the session hash."""

    sub = models.CharField(
        _("Cognito sub"), max_length=64, unique=True, editable=False, help_text=_("Never changes.")
    )
    phone = models.CharField(_("phone"), max_length=16, unique=True, null=True, blank=True)
    phone_verified = models.BooleanField(
        _("phone verified"),
        default=False,
        editable=False,
        help_text=_("A code sent to this phone was typed in."),
    )
    is_staff = models.BooleanField(
        _("operator"), default=False, help_text=_("May open these admin pages.")
    )
    is_active = models.BooleanField(
        _("active"), default=True, help_text=_("Take away to shut the person out of this site.")
    )
    date_joined = models.DateTimeField(_("first sign-in"), default=timezone.now, editable=False)

    # The language of their texts, as the ID token of this sign-in has it; not stored here.
    texted_in: str | None = None

    objects: ClassVar[UserManager] = UserManager()

    USERNAME_FIELD = "sub"

    class Meta:
        verbose_name = _("user")
        verbose_name_plural = _("users")

    def __str__(self) -> str:
        return self.phone or self.sub


class Turn(models.Model):
    """One browser's sign-in while a request works on it, and for a moment after it succeeded.

    Read and written by accounts/turns.py. ``browser`` and ``answer`` are keyed digests.
    """

    browser = models.CharField(max_length=64, primary_key=True)
    taken_at = models.DateTimeField(db_index=True)
    answer = models.CharField(max_length=64, blank=True)
    user = models.ForeignKey(User, null=True, on_delete=models.CASCADE)

    def __str__(self) -> str:
        return f"turn taken at {self.taken_at:%H:%M:%S}"
