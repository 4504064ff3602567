"""The settings of ``make run``: those of the site, and the inbox that shows everybody's texts.

No variable of the environment serves the inbox with ``config.settings``, whatever else is set or
silenced. With these it is served by ``runserver`` alone, since ``config.wsgi`` refuses them, from a
local AWS alone, and to this machine alone.
"""

import ipaddress
import os
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

from config.settings import *  # noqa: F403
from config.settings import AWS_ENDPOINT_URL, TEMPLATES

LOCAL_CLOUD = True
# Where calls and WhatsApp messages are kept (localcloud.messaging).
LOCAL_MESSAGING_URL = os.environ.get("LOCAL_MESSAGING_URL", "")
# runserver needs none; every other server asks for one.
WSGI_APPLICATION = None  # type: ignore[assignment]

try:
    _is_local = ipaddress.ip_address(urlsplit(AWS_ENDPOINT_URL).hostname or "").is_loopback
except ValueError:
    _is_local = False
if not _is_local:
    raise ImproperlyConfigured(
        "localcloud.settings are those of make run, and need the local AWS that it starts."
    )

TEMPLATES[0]["OPTIONS"]["context_processors"].append("localcloud.inbox.context")  # type: ignore[index]
