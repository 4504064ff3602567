"""Tell the owner of a number by text what was changed: somebody else may have done it."""

import logging
from functools import partial

from django.http import HttpRequest
from django.utils.translation import get_language

from accounts import after_response, phones
from accounts.aws import functions, sms
from accounts.conf import conf
from accounts.models import User

log = logging.getLogger(__name__)


def tell(request: HttpRequest, user: User, notice: sms.Notice) -> None:
    """Text a notice to the person's number, once the response has left.

    It is in the language of the page, or in that of the number where the page is another one's.
    """
    if user.phone:
        tell_number(request, user.phone, notice, of=user)


def tell_number(request: HttpRequest, phone: str, notice: sms.Notice, *, of: User) -> None:
    """Text a notice to a number of the person ``of``, once the response has left."""
    language = (get_language() or "") if request.user == of else ""
    if conf.texts_function:
        after_response.do(request, partial(_tell, phone, notice, language))


def _tell(phone: str, notice: sms.Notice, language: str) -> None:
    try:
        delivery = sms.tell(phone, notice, language=language)
    except functions.FunctionError as error:
        log.warning("No notice %s to the owner of a number: %r", notice, error)
        return
    log.info("Notice %s to %s: %s", notice, phones.mask(phone), delivery)
