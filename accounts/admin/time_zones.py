"""The time zone in which an operator reads times."""

from functools import cache
from typing import cast
from zoneinfo import available_timezones

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from accounts.models import User


@cache
def _names() -> tuple[str, ...]:
    """Return the names that people know: Europe/Paris, and neither CET nor Etc/GMT-1."""
    known = (name for name in available_timezones() if "/" in name)
    return tuple(sorted(name for name in known if not name.startswith(("Etc/", "SystemV/"))))


class TimeZoneForm(forms.Form):
    """The time zone of an operator, or that of the site."""

    def __init__(self, data: object, user: User) -> None:
        super().__init__(data, initial={"time_zone": user.time_zone})  # type: ignore[arg-type]
        of_site = _("same as the site: %s") % settings.TIME_ZONE
        names = [("UTC", "UTC"), *((name, name.replace("_", " ")) for name in _names())]
        self.fields["time_zone"] = forms.ChoiceField(
            label=_("Time zone"), required=False, choices=[("", of_site), *names]
        )


def time_zone_view(request: HttpRequest) -> HttpResponse:
    """Ask for the time zone, and keep it on POST."""
    user = cast(User, request.user)
    form = TimeZoneForm(request.POST if request.method == "POST" else None, user)
    if form.is_valid():
        User.objects.filter(pk=user.pk).update(time_zone=form.cleaned_data["time_zone"])
        messages.success(request, _("Times are shown in this time zone from now on."))
        return redirect("admin:index")
    context = {
        **admin.site.each_context(request),
        "title": _("Your time zone"),
        "form": form,
    }
    return render(request, "admin/accounts/time_zone.html", context)
