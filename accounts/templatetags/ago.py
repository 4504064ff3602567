from datetime import datetime, timedelta

from django import template
from django.contrib.humanize.templatetags.humanize import naturaltime
from django.utils import timezone
from django.utils.translation import gettext as _

register = template.Library()


@register.filter
def ago(at: datetime) -> str:
    """Say how long ago something was, as people do: nobody counts the seconds."""
    if timezone.now() - at < timedelta(minutes=1):
        return _("a moment ago")
    return str(naturaltime(at))
