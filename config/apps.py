from django.apps import AppConfig


class SiteConfig(AppConfig):
    name = "config"

    def ready(self) -> None:
        from config import address_checks, checks, request_logs  # noqa: F401 - they register
