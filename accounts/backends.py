"""The authentication backend: a verified ID token of Cognito gives a user."""

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
    """Turn a verified ID token into a user. Permissions are Django's; passwords are not used."""

    # ModelBackend's would look for a password.
    aauthenticate = BaseBackend.aauthenticate  # type: ignore[assignment]

    @sensitive_variables("id_token")
    def authenticate(  # type: ignore[override]
        self, request: HttpRequest | None, *, id_token: str, sub: str, **kwargs: Any
    ) -> User | None:
        """Return the user of an ID token that was issued for ``sub``, or None.

        Raises tokens.KeysUnavailable if the token cannot be verified at the moment. Raises
        cognito.CognitoError if Cognito had shut the person out and cannot be asked about them.
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
        user.signed_in_by = claims.methods
        if not user.cognito_enabled:
            # The token may be older than their exclusion, so it proves nothing.
            revalidation.ask(user)
        if not self.user_can_authenticate(user):
            return None
        groups.apply(user, claims.groups)
        return user

    def user_can_authenticate(self, user: Any) -> bool:
        """Tell whether neither this site nor Cognito shuts ``user`` out; asked for sessions too."""
        return bool(user.is_active and user.cognito_enabled)
