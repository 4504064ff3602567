from django.apps import AppConfig


class SiteConfig(AppConfig):
    """The site itself: its checks."""

    name = "config"

    def ready(self) -> None:
        """Register checks."""
        from config import address_checks, checks  # noqa: F401 - they register
