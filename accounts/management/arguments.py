"""Arguments that several commands take."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from accounts import phones
from accounts.conf import conf


def add_phone(parser: ArgumentParser) -> None:
    """Add the argument ``phone``, which ``read_phone`` reads."""
    parser.add_argument("phone", help="mobile number, such as +14155552671")


def read_phone(options: dict[str, Any]) -> str:
    """Return the number that was typed, in E.164. Raises CommandError, without the number."""
    try:
        return phones.parse(options["phone"], region=conf.default_region, countries=conf.countries)
    except phones.NotAPhone as error:
        raise CommandError(
            "That is not a mobile number of an allowed country (ACCOUNTS_COUNTRIES)."
        ) from error
