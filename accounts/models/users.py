"""The user model. A Cognito ``sub`` identifies an account; its phone may move to another one."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, ClassVar, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import PermissionsMixin
from django.db import IntegrityError, OperationalError, models, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts import phones
from accounts.conf import conf
from accounts.models.statements import select

# The value of ``held_until`` for a number that only an operator can unlock.
LOCKED = datetime(9999, 1, 1, tzinfo=UTC)
# The value of ``cognito_status`` once the user is gone from Cognito.
DELETED = "DELETED"
# A try fails only because another transaction succeeded.
_TRIES = 8
_DEADLOCK = "40P01"  # PostgreSQL's code, when two transactions make rows at once
_T = TypeVar("_T")


def retry_on_conflict(work: Callable[[], _T]) -> _T:
    """Do ``work`` in a transaction, and again if others made a row or took a number meanwhile.

    Returns what ``work`` returns. Raises the database's error after eight tries.
    """
    for tries_left in reversed(range(_TRIES)):
        try:
            with transaction.atomic():
                return work()
        except (IntegrityError, OperationalError) as error:
            is_deadlock = getattr(error.__cause__, "sqlstate", "") == _DEADLOCK
            if not tries_left or not (isinstance(error, IntegrityError) or is_deadlock):
                raise
    raise AssertionError


class UserManager(BaseUserManager["User"]):
    """Find and make users by their identity in Cognito: the pool and the ``sub``."""

    def for_identity(
        self,
        sub: str,
        phone: str | None,
        *,
        phone_verified: bool | None = None,
        pool: str | None = None,
    ) -> "User":
        """Return the user of this Cognito identity with its present phone; make it if needed.

        A ``phone`` or ``phone_verified`` of None is unknown and stays as it was; a ``pool`` of None
        is the configured one. Two first logins at once make one row. If another identity has the
        phone, it moves here: the number changed hands, and the accounts stay separate.
        """
        pool = pool or conf.user_pool_id
        as_is = self._as_it_is(pool, sub, phone, phone_verified)
        return as_is or retry_on_conflict(
            lambda: self._for_identity(pool, sub, phone, phone_verified)
        )

    def by_phone(self, pool: str, phone: str) -> "User | None":
        """Return the user who has ``phone`` (E.164) now."""
        return next(iter(select(User, {"pool": pool, "phone": phone})), None)

    def _as_it_is(
        self, pool: str, sub: str, phone: str | None, phone_verified: bool | None
    ) -> "User | None":
        """Return the user where nothing has to be written, which is nearly always."""
        owns_phone = [{"pool": pool, "phone": phone}] if phone is not None else []
        rows = select(User, {"pool": pool, "sub": sub}, *owns_phone)
        if len(rows) != 1 or rows[0].sub != sub:
            return None
        user = rows[0]
        is_same = phone in (None, user.phone) and phone_verified in (None, user.phone_verified)
        return user if is_same else None

    def _for_identity(
        self, pool: str, sub: str, phone: str | None, phone_verified: bool | None
    ) -> "User":
        rows = self.lock_rows(pool, sub, phone)
        user = next((row for row in rows if row.sub == sub), None)
        if phone is not None and any(row.sub != sub for row in rows):
            self.filter(pool=pool, phone=phone).exclude(sub=sub).update(phone=None)
        if user is None:
            return self.create(
                pool=pool,
                sub=sub,
                phone=phone,
                phone_verified=bool(phone_verified),
                password=make_password(None),
            )
        seen = (
            user.phone if phone is None else phone,
            user.phone_verified if phone_verified is None else phone_verified,
        )
        if (user.phone, user.phone_verified) != seen:
            user.phone, user.phone_verified = seen
            user.save(update_fields=["phone", "phone_verified"])
        return user

    def lock_rows(self, pool: str, sub: str, phone: str | None) -> "list[User]":
        """Lock and return the row of an identity and the row that has ``phone``, until the commit.

        All callers lock in the same order, so two numbers may change hands at once.
        """
        return list(self.select_for_update().filter(_identity(pool, sub, phone)).order_by("pk"))

    def create_superuser(self, *args: Any, **kwargs: Any) -> "User":
        """Refuse, since Django's command of this name asks for a password."""
        raise NotImplementedError("Operators sign in by phone: use manage.py make_admin")


def _identity(pool: str, sub: str, phone: str | None) -> models.Q:
    """Match the row of an identity, and the row that has ``phone``."""
    own = models.Q(pool=pool, sub=sub)
    return own if phone is None else own | models.Q(pool=pool, phone=phone)


# Rare states that operators filter by: a partial index on each stays small.
_RARE = {
    "operators": models.Q(is_staff=True),
    "superusers": models.Q(is_superuser=True),
    "shut_out": models.Q(is_active=False),
    "disabled_there": models.Q(cognito_enabled=False),
    "never_verified": models.Q(phone_verified=False),
    "never_signed_in": models.Q(last_login=None),
    "sharing": models.Q(sharing__gt=0),
}


class User(AbstractBaseUser, PermissionsMixin):
    """A person. The inherited password is never usable, but the session hash is made from it.

    ``cognito_status`` and ``cognito_enabled`` are Cognito's last answer; ``checked_at`` is the time
    of the last question. ``held_until`` is when the triggers will text the number and take its
    codes again, as far as this site knows; ``LOCKED`` means never. ``sharing`` sums up the week
    before ``sharing_at``. ``number_type`` is what carriers said of the phone ``number_type_of`` at
    ``number_type_at``, in the words of AWS, and ``number_allowed`` that an operator lets it in all
    the same. Browsers that signed in before ``browsers_forgotten_at`` are not known.
    Until ``recovery_until`` a recovery may give the account another number. ``second_phone`` gets
    codes where the phone is gone, "" for none; the triggers have a digest of it.
    """

    class Sharing(models.IntegerChoices):
        NONE = 0, _("no sign of sharing")
        SOME = 1, _("some signs of sharing")
        LIKELY = 2, _("likely shared")

    pool = models.CharField(_("user pool"), max_length=64, default="", editable=False)
    sub = models.CharField(
        _("Cognito sub"), max_length=64, editable=False, help_text=_("Never changes.")
    )
    phone = models.CharField(_("phone"), max_length=16, null=True, blank=True)  # noqa: DJ001 - unique where there is one
    phone_verified = models.BooleanField(
        _("phone verified"),
        default=False,
        editable=False,
        help_text=_("A code sent to this phone was typed in."),
    )
    second_phone = models.CharField(
        _("second number"), max_length=16, blank=True, default="", editable=False
    )
    name = models.CharField(
        _("name"), max_length=150, blank=True, help_text=_("For operators: whose number this is.")
    )
    cognito_status = models.CharField(
        _("status in Cognito"), max_length=32, blank=True, editable=False
    )
    cognito_enabled = models.BooleanField(_("enabled in Cognito"), default=True, editable=False)
    checked_at = models.DateTimeField(
        # A row is made when Cognito has just told about the user.
        _("compared with Cognito"),
        default=timezone.now,
        null=True,
        blank=True,
        editable=False,
    )
    held_until = models.DateTimeField(_("held until"), null=True, blank=True, editable=False)
    sharing = models.PositiveSmallIntegerField(
        _("sharing"), choices=Sharing.choices, default=Sharing.NONE, editable=False
    )
    sharing_at = models.DateTimeField(null=True, blank=True, editable=False)
    devices_in_week = models.PositiveIntegerField(_("devices in a week"), default=0, editable=False)
    overlaps_in_week = models.PositiveIntegerField(
        _("sign-ins beside another device"), default=0, editable=False
    )
    crossed_in_week = models.PositiveIntegerField(
        _("codes asked for on one device and typed on another"), default=0, editable=False
    )
    number_type = models.CharField(max_length=12, blank=True, editable=False)
    number_type_of = models.CharField(max_length=16, blank=True, editable=False)
    number_type_at = models.DateTimeField(null=True, editable=False)
    number_allowed = models.BooleanField(default=False, editable=False)
    browsers_forgotten_at = models.DateTimeField(null=True, blank=True, editable=False)
    passkey_offered_at = models.DateTimeField(null=True, editable=False)
    has_copied_passkey = models.BooleanField(default=False, editable=False)
    app_opens_admin = models.BooleanField(
        _("authenticator app opens the admin"), default=False, editable=False
    )
    recovery_until = models.DateTimeField(null=True, editable=False)
    # Of an operator's pages; "" for that of the site.
    time_zone = models.CharField(_("time zone"), max_length=64, blank=True, editable=False)
    is_staff = models.BooleanField(
        _("operator"), default=False, help_text=_("May open these admin pages.")
    )
    is_active = models.BooleanField(
        _("active"), default=True, help_text=_("Untick to block the person from this site.")
    )
    date_joined = models.DateTimeField(_("first sign-in"), default=timezone.now, editable=False)

    # The language of their texts, from the ID token of this sign-in; not stored here.
    texted_in: str | None = None
    # How they signed in, from the same token.
    signed_in_by: frozenset[str] = frozenset()

    objects: ClassVar[UserManager] = UserManager()

    # Unique with the pool, see Meta; hence auth.W004 is silenced in the settings.
    USERNAME_FIELD = "sub"

    class Meta:
        verbose_name = _("user")
        verbose_name_plural = _("users")
        default_permissions = ("view", "change", "delete")
        permissions = (
            ("view_phone", _("Can see whole phone numbers")),
            ("disable_user", _("Can disable and enable users")),
            ("sign_out_user", _("Can sign users out everywhere")),
            ("unlock_user", _("Can unlock held numbers")),
            ("reset_authenticator", _("Can reset users' authenticator apps")),
            ("remove_email", _("Can remove users' e-mail addresses")),
            ("remove_second_number", _("Can remove users' second numbers")),
            ("forget_answer", _("Can have secret answers forgotten")),
            ("remove_passkey", _("Can remove users' passkeys")),
            ("invite_user", _("Can invite people")),
            ("change_number", _("Can change users' numbers")),
            ("manage_staff", _("Can make operators and put users into groups")),
        )
        constraints = (
            models.UniqueConstraint(fields=["pool", "sub"], name="one_row_per_identity"),
            models.UniqueConstraint(fields=["pool", "phone"], name="one_owner_per_phone"),
        )
        # A migration adds one for ``last_login``, in which people without one come last.
        indexes = (
            models.Index(fields=["date_joined"]),
            models.Index(fields=["held_until"]),
            models.Index(fields=["sharing", "sharing_at"]),
            # For searches and filters of the admin, whose list is ordered by ``id``. A migration
            # makes the index for the beginning of a name.
            models.Index(
                fields=["phone"], name="users_by_phone", opclasses=["varchar_pattern_ops"]
            ),
            models.Index(fields=["cognito_status", "id"], name="users_by_status"),
            # For owners of a second number who want no texts.
            models.Index(
                fields=["second_phone"],
                condition=~models.Q(second_phone=""),
                name="users_by_second",
            ),
            *(
                models.Index(fields=["id"], condition=condition, name=f"users_{name}")
                for name, condition in _RARE.items()
            ),
        )

    def __str__(self) -> str:
        """Return a name without the whole number, since logs, titles and histories show it."""
        return self.name or (phones.mask(self.phone) if self.phone else self.sub)

    def zone(self) -> ZoneInfo | None:
        """Return the time zone that this operator has chosen, None for that of the site."""
        try:
            return ZoneInfo(self.time_zone) if self.time_zone else None
        except (ZoneInfoNotFoundError, ValueError):
            # It was renamed since.
            return None

    def is_being_recovered(self) -> bool:
        """Tell whether operators are about to let somebody in with another number."""
        return self.recovery_until is not None and timezone.now() < self.recovery_until

    def get_short_name(self) -> str:
        """Return the name that greets an operator on the admin pages."""
        return str(self)
