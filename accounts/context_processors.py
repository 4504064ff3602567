from django.http import HttpRequest

from accounts.conf import conf


def site(request: HttpRequest) -> dict[str, str]:
    return {"site_name": conf.site_name}
