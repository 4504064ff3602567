"""Remove accounts that this site made for numbers that nobody ever proved.

With open sign-up an account is made for every number that is typed, by strangers too. Only accounts
that this site made are looked at: ``note`` stores each. An account is removed if all of this is
true, and is otherwise left alone for ever:

    - it is older than ACCOUNTS_UNPROVEN_KEPT_DAYS, and has no row here: nobody signed in here with
      it, was invited to it, or works on it
    - Cognito has it as we made it: enabled, FORCE_CHANGE_PASSWORD, changed by nobody else, its
      number not verified, in no group
    - the ledger of the triggers has known the number for all that time, and no code of it was ever
      right, here or in an app that signs in past this site

A text in the last day postpones the decision, since somebody may be typing its code. Nobody can
sign in without a text, so nobody does so between the last check and the deletion. A sign-in that
begins in that moment gets a new account, and loses nothing, since the old one was empty.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from accounts import phones
from accounts.aws import cognito, functions, ledger
from accounts.aws.cognito_values import CognitoUser
from accounts.conf import conf
from accounts.models import UnprovenAccount, User
from accounts.models.statements import insert

log = logging.getLogger(__name__)

MOST = 500  # accounts that one run looks at
PER_SECOND = 5.0  # calls to Cognito, which grants 25 deletions and changes to the whole account
_AS_MADE = "FORCE_CHANGE_PASSWORD"
# Cognito's two times and the ledger's first text are at most so far from the account's making.
_SAME_MOMENT = timedelta(minutes=10)
_PUT_OFF = timedelta(days=1)


@dataclass
class Outcome:
    """Accounts by result. ``removed`` has descriptions with masked numbers; ``due`` are left."""

    removed: list[str] = field(default_factory=list)
    kept: int = 0
    put_off: int = 0
    due: int = 0


def note(sub: str) -> None:
    """Store that this site has just made an account."""
    insert([UnprovenAccount(pool=conf.user_pool_id, sub=sub)], ignore_conflicts=True)


def note_change(sub: str) -> None:
    """Store that this site has just changed an account that it made."""
    made = UnprovenAccount.objects.filter(pool=conf.user_pool_id, sub=sub)
    made.update(changed_at=timezone.now())


def purge(
    now: datetime, *, pace: Callable[[], None], most: int = MOST, is_rehearsal: bool = False
) -> Outcome:
    """Decide on at most ``most`` accounts that are due, and remove those that nobody proved.

    ``pace`` is called before each call to Cognito. A rehearsal changes nothing. If a run is cut
    off, the next one goes on. Raises CognitoError and FunctionError.
    """
    made = UnprovenAccount.objects.filter(pool=conf.user_pool_id)
    here = User.objects.filter(pool=OuterRef("pool"), sub=OuterRef("sub"))
    if not is_rehearsal:
        made.filter(Exists(here)).delete()
    outcome = Outcome()
    if not conf.unproven_kept_days:
        return outcome
    due = made.filter(
        ~Exists(here),
        ~Q(put_off_until__gt=now),
        made_at__lte=now - timedelta(days=conf.unproven_kept_days),
    )
    for account in due.order_by("made_at", "pk")[:most]:
        _judge(account, now, outcome, pace, is_rehearsal=is_rehearsal)
    seen = len(outcome.removed) + outcome.kept + outcome.put_off
    outcome.due = max(0, due.count() - seen) if is_rehearsal else due.count()
    return outcome


def _judge(
    account: UnprovenAccount,
    now: datetime,
    outcome: Outcome,
    pace: Callable[[], None],
    *,
    is_rehearsal: bool,
) -> None:
    gateway = cognito.gateway()
    pace()
    try:
        user = gateway.read_user(account.sub)
        is_ours = _is_as_we_made_it(user, account)
        if is_ours:
            pace()
            is_ours = not gateway.groups_of(account.sub)
    except cognito.UnknownUser:
        is_ours = False
    state = ledger.show(user.phone) if is_ours else None
    if state is None or not _never_proven(state, account):
        outcome.kept += 1
        if not is_rehearsal:
            account.delete()
        return
    if state.sends_last_day:
        outcome.put_off += 1
        if not is_rehearsal:
            account.put_off_until = now + _PUT_OFF
            account.save(update_fields=["put_off_until"])
        return
    named = f"{account.sub} {phones.mask(user.phone)}, made {account.made_at:%Y-%m-%d}"
    if not is_rehearsal:
        pace()
        if not _remove(gateway, account):
            outcome.kept += 1
            return
        log.info("Removed an account that nobody proved: %s", named)
    outcome.removed.append(named)


def _remove(gateway: cognito.Gateway, account: UnprovenAccount) -> bool:
    """Delete an account, unless it has changed since the decision. False: it is kept."""
    if not User.objects.filter(pool=account.pool, sub=account.sub).exists():
        try:
            if _is_as_we_made_it(gateway.read_user(account.sub), account):
                gateway.delete(account.sub)
                account.delete()
                return True
        except cognito.UnknownUser:
            pass
    account.delete()
    return False


def _is_as_we_made_it(user: CognitoUser, account: UnprovenAccount) -> bool:
    return (
        user.enabled
        and not user.phone_verified
        and user.status == _AS_MADE
        and bool(user.phone)
        and user.modified_at < (account.changed_at or user.created_at) + _SAME_MOMENT
        and abs(account.made_at - user.created_at) < _SAME_MOMENT
    )


def _never_proven(state: ledger.PhoneState, account: UnprovenAccount) -> bool:
    """Tell whether the ledger proves that no code was ever right. A gap in its data proves nothing.

    Raises Misconfigured for a ledger of an older version.
    """
    if state.known_since is None or state.used_at is None:
        raise functions.Misconfigured("LEDGER_FUNCTION does not say enough: make deploy")
    # Within the hour: the first text follows the account at once, or after a wait.
    knows_all = 0 < state.known_since < account.made_at.timestamp() + _SAME_MOMENT.total_seconds()
    return knows_all and not state.used_at
