from datetime import datetime, timedelta

from babel.dates import format_timedelta
from django import template
from django.utils import timezone
from django.utils.translation import get_language, to_locale
from django.utils.translation import gettext as _

register = template.Library()


@register.filter
def ago(at: datetime) -> str:
    """Say how long ago something was, as people do: nobody counts the seconds.

    By Babel, since Django's words for it do not decline: "3 Tage her" fits into no German sentence.
    """
    passed = timezone.now() - at
    if passed < timedelta(minutes=1):
        return _("a moment ago")
    locale = to_locale(get_language() or "en")
    return str(format_timedelta(-passed, add_direction=True, threshold=1, locale=locale))
