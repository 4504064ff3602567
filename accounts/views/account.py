"""The page of the person who is signed in, and the file with their data."""

from typing import Any, cast

from django.contrib.auth.decorators import login_required
from django.contrib.auth.mixins import LoginRequiredMixin
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from django.views.generic import TemplateView

from accounts import personal_data, sessions
from accounts.conf import conf
from accounts.login import (
    authenticator,
    backup_login,
    email_address,
    other_way,
    passkeys,
    second_number,
    ways,
)
from accounts.models import User


@method_decorator(never_cache, name="dispatch")
class AccountView(LoginRequiredMixin, TemplateView):
    """Show the number, the ways to sign in, the devices and the data of this person."""

    template_name = "accounts/account.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        user = cast(User, self.request.user)
        return super().get_context_data(
            here=sessions.for_request(self.request).row,
            others=sessions.elsewhere(self.request, user).count(),
            ways=ways.of(user),
            has_question="question" in conf.sign_in_plan,
            has_authenticators=authenticator.is_offered(),
            has_email=email_address.is_offered(user),
            has_email_login=other_way.is_offered("email"),
            has_second_number=second_number.is_offered(user),
            has_passkeys=passkeys.site(self.request) is not None,
            has_backup_codes=backup_login.is_offered() or authenticator.is_offered(),
            **kwargs,
        )


@never_cache
@require_safe
@login_required
def data_view(request: HttpRequest) -> HttpResponse:
    """Return all that this site keeps about the person as a file of JSON."""
    found = personal_data.of(cast(User, request.user))
    response = JsonResponse(found, json_dumps_params={"indent": 2, "ensure_ascii": False})
    response["Content-Disposition"] = 'attachment; filename="my-data.json"'
    return response
