"""The same lists as Django's admin makes them by default: ``make bench WHAT=admin`` compares.

The default paginator, which counts everything twice, and ``search_fields`` by icontains.
"""

from django.contrib import admin
from django.urls import include, path

from accounts.admin.events import EventAdmin
from accounts.models import SignInEvent, User

plain = admin.AdminSite(name="plain")


@admin.register(User, site=plain)
class PlainUserAdmin(admin.ModelAdmin):
    list_display = ("phone", "name", "sharing", "is_staff", "is_active", "last_login")
    list_filter = ("is_staff", "is_active", "sharing")
    search_fields = ("phone", "name", "sub")
    ordering = ("-last_login",)


@admin.register(SignInEvent, site=plain)
class PlainEventAdmin(admin.ModelAdmin):
    list_display = ("at", "kind", "reason", "phone", "country", "device", "reference", "user")
    list_filter = ("kind", "reason", "country", "at")
    list_select_related = EventAdmin.list_select_related
    search_fields = ("reference", "phone", "user__phone", "user__sub")
    ordering = ("-at",)


urlpatterns = [path("plain/", plain.urls), path("", include("config.urls"))]
