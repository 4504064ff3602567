import gc
import os

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.wsgi import get_wsgi_application
from django.db import connections

from accounts import gil

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

application = gil.in_turns(get_wsgi_application())
if settings.LOCAL_CLOUD:
    raise ImproperlyConfigured("The settings of make run show everybody's texts: not served here.")
# Pages have a limit, commands such as migrate have none.
connections.settings["default"]["STATEMENT_SECONDS"] = settings.DATABASE_STATEMENT_SECONDS
# Python looks for garbage after every 700 objects, and most of them live as long as the process.
# Looking less often saves a tenth of the processor's time, for four megabytes of memory.
gc.set_threshold(10_000, 10, 10)
