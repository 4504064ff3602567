from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from accounts.models import User


@admin.register(User)
class UserAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Lists who signed in. Accounts are made and removed in Cognito, so not here."""

    list_display = ("phone", "phone_verified", "is_staff", "is_active", "last_login")
    list_filter = ("is_staff", "is_active", "phone_verified")
    search_fields = ("phone", "sub")
    ordering = ("-last_login",)
    filter_horizontal = ("groups", "user_permissions")
    readonly_fields = ("phone", "phone_verified", "sub", "last_login", "date_joined")
    fieldsets = (
        (None, {"fields": ("phone", "phone_verified", "sub", "date_joined", "last_login")}),
        (
            "Access",
            {"fields": ("is_active", "is_staff", "is_superuser", "groups", "user_permissions")},
        ),
    )

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
