"""The configuration of this app and of the admin."""

from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig
from django.utils.translation import gettext_lazy as _


class AccountsConfig(AppConfig):
    """This app, with its checks and the audit log registered when it is ready."""

    name = "accounts"
    verbose_name = _("People")

    def ready(self) -> None:
        """Register the checks and the audit log."""
        from django.contrib.auth.models import update_last_login
        from django.contrib.auth.signals import user_logged_in

        from accounts import checks  # noqa: F401 - checks register themselves
        from accounts.events import audit

        audit.register()
        # ``sessions.concurrency`` writes it, with the statement that locks the row.
        user_logged_in.disconnect(update_last_login, dispatch_uid="update_last_login")


class PhoneAdminConfig(AdminConfig):
    """Django's admin with our site class, as Django documents it."""

    default_site = "accounts.admin_site.PhoneAdminSite"
