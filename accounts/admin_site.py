from functools import update_wrapper
from typing import Any, NoReturn

from django.contrib.admin import AdminSite
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, resolve_url
from django.template.response import TemplateResponse
from django.utils.decorators import method_decorator
from django.utils.http import MAX_URL_LENGTH, urlencode
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache

from accounts import after_response, operations
from accounts.events import overview
from accounts.login import phone_login


class PhoneAdminSite(AdminSite):
    """Django's admin without a password form: the phone login is its only door."""

    index_title = gettext_lazy("Overview")

    def admin_view(self, view: Any, cacheable: bool = False) -> Any:
        """Let every page of an operator take up what waits to be done to accounts."""

        def with_orders(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            # What may be cached is no page, but a file of one.
            if not cacheable and self.has_permission(request):
                after_response.do(request, operations.run_due)
            return view(request, *args, **kwargs)

        return super().admin_view(update_wrapper(with_orders, view), cacheable)

    def index(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> TemplateResponse:
        return super().index(request, {**overview.context(request), **(extra_context or {})})

    @method_decorator(never_cache)
    def login(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        if request.user.is_authenticated:
            if self.has_permission(request):
                return redirect("admin:index")
            raise PermissionDenied
        target = request.GET.get("next") or resolve_url("admin:index")
        if len(target) > MAX_URL_LENGTH:
            target = resolve_url("admin:index")
        return redirect(f"{resolve_url('accounts:login')}?{urlencode({'next': target})}")

    def logout(self, request: HttpRequest, extra_context: Any = None) -> Any:
        if request.method != "POST":
            return redirect("admin:index")
        # Written down, as anywhere else.
        phone_login.sign_out(request)
        return super().logout(request, extra_context)

    def password_change(self, request: HttpRequest, extra_context: Any = None) -> NoReturn:
        raise Http404

    def password_change_done(self, request: HttpRequest, extra_context: Any = None) -> NoReturn:
        raise Http404
