"""The record of texts sent and codes tried, in one DynamoDB table.

Cognito's clients reach the triggers in parallel and past our site, so every count is one
conditional update of one item, before anything is sent or compared: of any number at once, only as
many succeed as the limit allows. Items are named by keyed hashes and hold no phone and no code.

    phone#…          a number: its newest challenge and the one before it, its texts of the last
                     day, its failures
    block#…#day      the numbers that share all but their last four digits
    pool#day         the whole pool, and the countries in it: see ``pool`` and ``pressure``
    once#…           something that was used, and is good for one use
    answer#…         the hash of an answer to a secret question
    backup#…         the digests of a person's backup codes
    second#…         the digest of a person's second number
    notice#…#day     a number's texts without a code; a mailbox's mails to prove it
    blocked#day      texts that were not sent, by country and reason, and those that were, in the
                     hours that are over: for operators only

Where the table fails, its errors are raised: no text without a count, no comparison without a
count. The modules, from the table up:

    names, table     keys, windows and lives of items; the wire format
    verdicts         SEND, or the limit that says no
    phone_state      the limits of one number, as conditions and as readings
    texts, pool, budgets, answers, guesses, stops, lookups, overview    the counts themselves
    pressure         the step to which the system degrades as its budgets are used up
    kept_answers     answers to secret questions
    backup_codes     codes for whoever has lost their phone or app
    second_numbers   numbers to which a code may go in place of the account's own

    book = ledger.configured()
    reservation = book.texts.reserve(ledger.phone_name(phone), now=time.time())
"""

from dataclasses import replace
from functools import cache
from typing import Any

import boto3
from botocore.config import Config

from .. import environment, limits
from ..challenge import Challenge
from .answers import Answers, CountedAnswer
from .backup_codes import BackupCodes
from .budgets import Budgets
from .guesses import Guesses
from .kept_answers import KeptAnswers
from .lookups import Lookups
from .names import (
    OVERVIEW_DAYS,
    address_proofs_name,
    block_name,
    confirmation_name,
    known_name,
    mailbox_name,
    other_way_name,
    phone_item,
    phone_name,
)
from .overview import Count, Overview
from .phone_state import PhoneRules, PhoneState, challenge_of, is_living, tries_left
from .pool import Pool
from .second_numbers import SecondNumbers
from .stops import Stops
from .table import Table, TooBusy
from .texts import Reservation, Texts
from .verdicts import NOT_TOLD, Verdict

__all__ = [
    "NOT_TOLD",
    "OVERVIEW_DAYS",
    "Count",
    "CountedAnswer",
    "Ledger",
    "PhoneState",
    "Reservation",
    "TooBusy",
    "Verdict",
    "address_proofs_name",
    "block_name",
    "configured",
    "confirmation_name",
    "for_known_browsers",
    "known_name",
    "mailbox_name",
    "other_way_name",
    "phone_name",
]

_CONFIG = Config(
    connect_timeout=0.3,
    read_timeout=0.6,
    retries={"total_max_attempts": 1},
    # The requests are made here alone, tested, and on the way of every sign-in.
    parameter_validation=False,
)


class Ledger:
    """The counts of one table, by what is counted.

    ``client`` is a boto3 ``dynamodb`` client that makes one attempt per call.

    ``texts``     reserve, release and note_message, within the limits of one number
    ``budgets``   spend, pretend, spend_notice and wants_work, on what many numbers share
    ``answers``   count, use and count_opened
    ``stops``     count, stop and allow, for texts that their owner does not want
    ``lookups``   take, for questions about a number that cost money
    ``guesses``   count, clear and take, for challenges that are no codes
    ``kept_answers``  read, keep and forget, for secret questions
    ``backup_codes``  keep, left, take and forget
    ``second_numbers``  keep, is_kept and forget
    ``overview``  count_blocked and read, for operators
    """

    def __init__(self, client: Any, table: str, limits: limits.Limits) -> None:
        self._table = Table(client, table)
        self._rules = PhoneRules(limits)
        pool = Pool(self._table, limits)
        self.texts = Texts(self._table, self._rules, limits)
        self.budgets = Budgets(self._table, self.texts, pool, limits)
        self.answers = Answers(self._table, self._rules, pool, self.budgets)
        self.stops = Stops(self._table)
        self.lookups = Lookups(self._table)
        self.guesses = Guesses(self._table, self._rules)
        self.kept_answers = KeptAnswers(self._table)
        self.backup_codes = BackupCodes(self._table)
        self.second_numbers = SecondNumbers(self._table)
        self.overview = Overview(self._table)

    def is_locked(self, failures: int) -> bool:
        """Tell whether an operator must act after so many failures in a row."""
        return self._rules.is_locked(failures)

    def show(self, name: str, *, now: float) -> PhoneState:
        """Return the state of the number with the pseudonym ``name``. One round trip."""
        return self._rules.state(self._table.read(phone_item(name)), now)

    def tries_left(self, name: str, challenge: Challenge, *, now: float) -> int:
        """Return how many answers of a sign-in with a challenge of the number may still be right.

        One round trip.
        """
        item = self._table.read(phone_item(name))
        stored = [item.get("challenge", {}), item.get("earlier", {})]
        is_there = challenge.id in (each.get("cid") for each in stored)
        if not is_there or not is_living(stored[0], now) or self._rules.hold(item, now):
            return 0
        return tries_left(item, challenge)

    def last_used(self, name: str) -> tuple[Challenge, float] | None:
        """Return the challenge that the number's last right code took, and when.

        In seconds since the epoch; None where two texts were asked for since, and where a code that
        lived then went out by another channel as well. One round trip.
        """
        item = self._table.read(phone_item(name))
        both, at = (
            (item.get("challenge", {}), item.get("earlier", {})),
            item.get("used_at", 0) / 1000,
        )
        if any("sent_by" in stored and stored.get("exp", 0) > at for stored in both):
            return None
        for stored in both:
            if "used" in stored and (challenge := challenge_of(stored)):
                return challenge, at
        return None

    def unlock(self, name: str) -> None:
        """Forget the failures and the texts of a number, as if it were new. One round trip."""
        self._table.delete(phone_item(name))


@cache
def for_known_browsers() -> Ledger:
    """Return the ledger as it counts for browsers that are known: locked sooner, as ADR 6 says.

    Raises WrongEnvironment.
    """
    usual = limits.configured()
    failures = min(usual.failures_per_phone, limits.FAILURES_OF_KNOWN_BROWSERS)
    return _with(replace(usual, failures_per_phone=failures))


@cache
def configured() -> Ledger:
    """Return the ledger of LEDGER_TABLE, made once per process. Raises WrongEnvironment."""
    return _with(limits.configured())


def _with(limits: limits.Limits) -> Ledger:
    client = boto3.client("dynamodb", config=_CONFIG)
    return Ledger(client, environment.text("LEDGER_TABLE"), limits)
