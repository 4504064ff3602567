"""Django's one-off messages, in a cookie that no other host of the domain can plant."""

from django.conf import settings
from django.contrib.messages.storage.cookie import CookieStorage
from django.contrib.messages.storage.fallback import FallbackStorage
from django.contrib.messages.storage.session import SessionStorage


class HostCookieStorage(CookieStorage):
    """Django's cookie, bound to this host (``__Host-``)."""

    cookie_name = "__Host-messages" if settings.SESSION_COOKIE_SECURE else "messages"


class Storage(FallbackStorage):
    """The cookie, and the session for what does not fit."""

    storage_classes = (HostCookieStorage, SessionStorage)
