"""The template filter ``ago``: a time in words."""

from datetime import datetime, timedelta

from babel.dates import format_timedelta
from django import template
from django.utils import timezone
from django.utils.translation import get_language, to_locale
from django.utils.translation import gettext as _

register = template.Library()


@register.filter
def ago(at: datetime) -> str:
    """Return how long ago something was, in words and without seconds: "3 hours ago".

    By Babel, since Django's words are not inflected: "3 Tage her" fits into no German sentence.
    """
    passed = timezone.now() - at
    if passed < timedelta(minutes=1):
        return _("a moment ago")
    locale = to_locale(get_language() or "en")
    return str(format_timedelta(-passed, add_direction=True, threshold=1, locale=locale))
