"""The admin of operators, whose only way in is the phone login."""

from functools import update_wrapper
from typing import Any, NoReturn, cast

from django.contrib.admin import AdminSite
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render, resolve_url
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.utils.http import MAX_URL_LENGTH, urlencode
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache

from accounts import admin_help, after_response, operations
from accounts.events import overview
from accounts.login import phone_login, second_factor
from accounts.models import Operation, User

_ORDERS_SHOWN = 10


class PhoneAdminSite(AdminSite):
    """Django's admin without a password form: operators sign in by phone like everybody."""

    index_title = gettext_lazy("Overview")

    def admin_view(self, view: Any, cacheable: bool = False) -> Any:
        """Run operations that are due after the response to every page of an operator."""

        def with_orders(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            # Cacheable views serve files of a page, which operators load all the time.
            if cacheable or not self.has_permission(request):
                return view(request, *args, **kwargs)
            after_response.do(request, operations.run_due)
            with timezone.override(cast(User, request.user).zone()):
                response = view(request, *args, **kwargs)
                # Else it would be rendered when the time zone is the site's again.
                return response.render() if isinstance(response, TemplateResponse) else response

        return super().admin_view(update_wrapper(with_orders, view), cacheable)

    def has_permission(self, request: HttpRequest) -> bool:
        """Tell whether it is an operator, who signed in with more than a code where that counts."""
        return super().has_permission(request) and second_factor.is_there(request)

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[Any]:
        """Name each list as its page does: the rows of some are another package's."""
        found: list[Any] = super().get_app_list(request, app_label)
        for model in (each for app in found for each in app["models"]):
            rows = self.get_model_admin(model["model"])
            model["name"] = getattr(rows, "title", "") or model["name"]
        return found

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        """Add the time zone to what every page has, since times are shown without it."""
        name = timezone.get_current_timezone_name().replace("_", " ")
        offset = f"UTC{timezone.localtime():%z}"
        return {**super().each_context(request), "time_zone": name, "time_zone_offset": offset}

    def index(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> TemplateResponse:
        """Return the front page: the overview of sign-ins, or what else the operator may do."""
        shown = overview.context(request) or self._own_pages(request)
        orders = Operation.objects.filter(by=request.user.pk).order_by("-pk")[:_ORDERS_SHOWN]
        return super().index(request, {"own_orders": orders, **shown, **(extra_context or {})})

    def get_urls(self) -> list[Any]:
        """Add the page of help to Django's."""
        own = path("help/", self.admin_view(self.help_view), name="help")
        return [own, *super().get_urls()]

    def help_view(self, request: HttpRequest) -> HttpResponse:
        """Say what each page is for that this operator may open, and what they do there."""
        context = {
            **self.each_context(request),
            "title": _("Help"),
            "common": admin_help.common(),
            **self._own_pages(request),
        }
        return render(request, "admin/help.html", context)

    def _own_pages(self, request: HttpRequest) -> dict[str, Any]:
        """Return the pages and rights of the operator, for the front page and for help."""
        pages = [
            admin_help.page_of(
                each["model"],
                each["name"],
                each["admin_url"],
                getattr(self._registry[each["model"]], "about", ""),
            )
            for app in self.get_app_list(request)
            for each in app["models"]
            if each["admin_url"]
        ]
        if request.user.has_perm("accounts.view_signinevent"):
            pages.insert(0, admin_help.overview_page(reverse("admin:index")))
        return {"own_pages": pages, "rights": admin_help.rights_of(request)}

    @method_decorator(never_cache)
    def login(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """Lead to the phone login, or on if an operator is signed in."""
        if self.has_permission(request):
            return redirect("admin:index")
        if request.user.is_authenticated and not super().has_permission(request):
            raise PermissionDenied
        target = request.GET.get("next") or resolve_url("admin:index")
        if len(target) > MAX_URL_LENGTH:
            target = resolve_url("admin:index")
        page = "second_factor" if request.user.is_authenticated else "login"
        return redirect(f"{resolve_url(f'accounts:{page}')}?{urlencode({'next': target})}")

    def logout(self, request: HttpRequest, extra_context: Any = None) -> Any:
        """Sign out on POST, and record it."""
        if request.method != "POST":
            return redirect("admin:index")
        # Record the event, as every sign-out does.
        phone_login.sign_out(request)
        return super().logout(request, extra_context)

    def password_change(self, request: HttpRequest, extra_context: Any = None) -> NoReturn:
        """Answer 404: passwords are not used."""
        raise Http404

    def password_change_done(self, request: HttpRequest, extra_context: Any = None) -> NoReturn:
        """Answer 404: passwords are not used."""
        raise Http404
