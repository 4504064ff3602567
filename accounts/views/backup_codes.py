"""The page of a person's backup codes."""

from typing import Any

from django.contrib.auth.mixins import LoginRequiredMixin
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from django.views.generic import View

from accounts.login import attempt_steps, backup_codes, errors, reauthentication
from accounts.views import refusals
from accounts.views.refusals import too_many


@method_decorator([never_cache, reauthentication.required], name="dispatch")
class BackupCodesView(LoginRequiredMixin, View):
    """Say how many codes are left. POST shows new ones, this once."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not backup_codes.are_offered():
            raise Http404
        return super().dispatch(request, *args, **kwargs)

    def get(self, request: HttpRequest) -> HttpResponse:
        try:
            return _page(request, left=backup_codes.left(request))
        except errors.Unavailable:
            return _page(request, status=503)

    def post(self, request: HttpRequest) -> HttpResponse:
        try:
            attempt_steps.throttle_post(request)
            return _page(request, codes=backup_codes.draw(request))
        except errors.TooMany as error:
            return too_many(request, error)
        except errors.Unavailable:
            return _page(request, status=503)


def _page(request: HttpRequest, *, status: int = 200, **facts: Any) -> HttpResponse:
    return refusals.page(request, "accounts/backup_codes.html", status=status, **facts)
