from django.apps import AppConfig


class SiteConfig(AppConfig):
    """The site itself: its checks and its log lines."""

    name = "config"

    def ready(self) -> None:
        """Register checks and signals."""
        from config import address_checks, checks, request_logs  # noqa: F401 - they register
