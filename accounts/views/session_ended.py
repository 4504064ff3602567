"""The page that says why this browser's session ended."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.decorators import method_decorator
from django.utils.http import urlencode
from django.views.decorators.cache import never_cache
from django.views.generic import TemplateView

from accounts import sessions
from accounts.views.onward import next_url


@method_decorator(never_cache, name="dispatch")
class EndedView(TemplateView):
    """Say once why this browser's session ended."""

    http_method_names = ["get"]
    template_name = "accounts/ended.html"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        session = sessions.for_request(request)
        ended = session.ended
        if ended is None:
            return redirect(settings.LOGIN_URL)
        session.acknowledge_end()
        onward = urlencode({"next": next_url(request)})
        return self.render_to_response({"ended": ended, "onward": onward})
