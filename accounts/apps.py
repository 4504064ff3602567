from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig
from django.utils.translation import gettext_lazy as _


class AccountsConfig(AppConfig):
    name = "accounts"
    verbose_name = _("People")

    def ready(self) -> None:
        from accounts import checks  # noqa: F401 - checks register themselves
        from accounts.events import audit

        audit.register()


class PhoneAdminConfig(AdminConfig):
    default_site = "accounts.admin_site.PhoneAdminSite"
