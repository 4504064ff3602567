import logging
from typing import Any

from django.contrib.auth.backends import BaseBackend, ModelBackend
from django.http import HttpRequest
from django.views.decorators.debug import sensitive_variables

from accounts.aws import tokens
from accounts.models import User
from accounts.sync import groups, revalidation

log = logging.getLogger(__name__)


class CognitoBackend(ModelBackend):
    """Turns a verified ID token into a user. Permissions are Django's own; passwords are none."""

    # ModelBackend's would look for a password.
    aauthenticate = BaseBackend.aauthenticate  # type: ignore[assignment]

    @sensitive_variables("id_token")
    def authenticate(  # type: ignore[override]
        self, request: HttpRequest | None, *, id_token: str, sub: str, **kwargs: Any
    ) -> User | None:
        """Return the user of an ID token that was issued for ``sub``, or None.

        Raises tokens.KeysUnavailable: the token may be good, and nobody can tell just now. Raises
        cognito.CognitoError likewise, for somebody of whom Cognito said last that they are out.
        """
        try:
            claims = tokens.verify_id_token(id_token, sub=sub)
        except tokens.InvalidToken as error:
            log.warning("ID token refused: %s", error)
            return None
        user = User.objects.for_identity(
            claims.sub, claims.phone, phone_verified=claims.phone_verified
        )
        user.texted_in = claims.locale
        if not user.cognito_enabled:
            # The token may be older than that, so it is no proof that they are in again.
            revalidation.ask(user)
        if not self.user_can_authenticate(user):
            return None
        groups.apply(user, claims.groups)
        return user

    def user_can_authenticate(self, user: Any) -> bool:
        """Let nobody in whom this site or Cognito shuts out, nor go on with a session."""
        return bool(user.is_active and user.cognito_enabled)
