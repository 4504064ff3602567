"""What every page of the site goes by: its colours and its language."""

from contextlib import suppress

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils import translation
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe
from django.views.generic import View
from django.views.i18n import set_language

from accounts import brand, phone_login
from accounts.conf import conf


@require_safe
@cache_control(public=True, max_age=365 * 24 * 60 * 60, immutable=True)
def brand_css(request: HttpRequest) -> HttpResponse:
    """The site's own colours. Its address changes with them."""
    rules = brand.stylesheet(conf.site_color, conf.site_color_dark) if conf.site_color else ""
    return HttpResponse(rules, content_type="text/css")


class LanguageView(View):
    """Django's switch of languages, which lets the texts follow."""

    http_method_names = ["post"]

    def post(self, request: HttpRequest) -> HttpResponseBase:
        chosen = request.POST.get("language", "")
        if request.user.is_authenticated and translation.check_for_language(chosen):
            # Beyond the limit the texts follow at the next sign-in, as the page does now.
            with suppress(phone_login.TooMany), translation.override(chosen):
                phone_login.admit(request)
                phone_login.speak(request.user)
        return set_language(request)
