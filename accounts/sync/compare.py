"""Compare users of the pool with the rows here, and store the differences.

only in Cognito   a user there who could sign in, and has no row here
only here         a row whose user is neither in the list nor found by AdminGetUser
differing phone   the phone differs, or whether it is proven; Cognito wins
differing status  the status differs, or one side is disabled; Cognito wins. A status that this site
                  never asked for is only stored. ``is_active`` belongs to this site and is not
                  compared.
unconfirmed       UNCONFIRMED: somebody signed up past the site, perhaps with a password, and
                  Cognito lets nobody sign in. RESET_REQUIRED: the same. FORCE_CHANGE_PASSWORD, the
                  state in which our users begin and mostly stay: only if the number was never
                  proven and nobody signed in here. The first and the last count only after
                  ``unconfirmed_after``, since a sign-up may be under way. Accounts without a number
                  do not count.
duplicate         two users of the pool with the same number. Operators decide.
"""

from collections.abc import Iterator

from django.utils.translation import gettext_lazy

from accounts.aws import cognito
from accounts.aws.cognito_values import CognitoUser
from accounts.conf import conf
from accounts.models import Claim, Difference, Listed, SyncRun, User
from accounts.sync import revalidation
from accounts.sync.duplicates import number_of

Kind = Difference.Kind

REPAIRABLE = (Kind.ONLY_IN_COGNITO, Kind.ONLY_HERE, Kind.PHONE, Kind.STATUS, Kind.UNCONFIRMED)
# The effect of a repair, as the pages tell operators who decide on it.
MEANS = {
    Kind.ONLY_IN_COGNITO: gettext_lazy("A row is made here, with the number in Cognito."),
    Kind.ONLY_HERE: gettext_lazy(
        "The person is blocked here and loses all sessions. The row is kept."
    ),
    Kind.PHONE: gettext_lazy("The number in Cognito is taken over, from another row if need be."),
    Kind.STATUS: gettext_lazy(
        "The status in Cognito is taken over. People who are disabled there lose all sessions here."
    ),
    Kind.UNCONFIRMED: gettext_lazy(
        "Cognito takes back all tokens, and gets a password that nobody knows in the place of any "
        "earlier one. Of an account that was never confirmed only the number is kept, unproven. "
        "The person can then sign in by phone. Undoing brings nothing of this back."
    ),
    Kind.DUPLICATE: gettext_lazy(
        "Not repaired here: decide whose number it is, and delete or change the other user."
    ),
}


def record(run: SyncRun, users: list[CognitoUser]) -> None:
    """Store the differences between ``users`` of the pool and the rows here."""
    if not users:
        return
    known = User.objects.filter(pool=run.pool, sub__in=[user.sub for user in users])
    rows = {row.sub: row for row in known}
    found: list[Difference] = []
    claims = []
    never_asked = []
    for user in users:
        row = rows.get(user.sub)
        found += [
            difference(run, kind, user.sub, row, user) for kind in _differences(run, row, user)
        ]
        normal = number_of(user.phone)
        if normal and not (row and row.phone == user.phone == normal):
            claims.append(Claim(run=run, sub=user.sub, phone=normal))
        if row and not row.cognito_status:
            row.cognito_status = user.status
            never_asked.append(row)
    if rows:
        Listed.objects.bulk_create(
            [Listed(run=run, user=row) for row in rows.values()], ignore_conflicts=True
        )
    if never_asked and not run.dry_run:
        User.objects.bulk_update(never_asked, ["cognito_status"])
    store(found)
    if claims:
        # A page may list a user twice if the list changes meanwhile.
        Claim.objects.bulk_create(
            {claim.sub: claim for claim in claims}.values(),
            update_conflicts=True,
            unique_fields=["run", "sub"],
            update_fields=["phone"],
        )


def _differences(run: SyncRun, row: User | None, user: CognitoUser) -> Iterator[Kind]:
    is_unconfirmed = user.status == "UNCONFIRMED"
    is_unproven = is_unconfirmed or (
        user.status == "FORCE_CHANGE_PASSWORD" and not user.phone_verified
    )
    was_here = bool(row and row.last_login)
    is_old = user.created_at <= run.started_at - run.unconfirmed_after
    is_stuck = is_unproven and is_old and (is_unconfirmed or not was_here)
    # Leave accounts without a number alone: nobody could sign in to them by phone.
    if user.phone and (is_stuck or user.status == "RESET_REQUIRED"):
        yield Kind.UNCONFIRMED
    if row is None:
        # Where user names are not phones, an account without a number is no matter of this site.
        if not is_unproven and (user.phone or conf.username == "phone"):
            yield Kind.ONLY_IN_COGNITO
        return
    phone = revalidation.storable(user.phone)
    if (row.phone, row.phone_verified) != (phone, user.phone_verified):
        yield Kind.PHONE
    is_other = bool(row.cognito_status) and row.cognito_status != user.status
    if is_other or row.cognito_enabled != user.enabled:
        yield Kind.STATUS


def difference(
    run: SyncRun, kind: Kind, sub: str, row: User | None, user: CognitoUser | None
) -> Difference:
    """Return an unsaved difference between ``row`` here and ``user`` in the pool.

    ``ours`` and ``theirs`` have phone, phone_verified, status and enabled, or are empty.
    """
    return Difference(
        run=run,
        kind=kind,
        pool=run.pool,
        sub=sub,
        user=row,
        open_key=f"{kind}:{sub}",
        ours={
            "phone": row.phone,
            "phone_verified": row.phone_verified,
            "status": row.cognito_status,
            "enabled": row.cognito_enabled,
        }
        if row
        else {},
        theirs={
            "phone": user.phone,
            "phone_verified": user.phone_verified,
            "status": user.status,
            "enabled": user.enabled,
        }
        if user
        else {},
    )


def store(differences: list[Difference]) -> None:
    """Write differences. One that is open already gets the new run and values."""
    if differences:
        Difference.objects.bulk_create(
            {difference.open_key: difference for difference in differences}.values(),
            update_conflicts=True,
            unique_fields=["pool", "open_key"],
            update_fields=["run", "user", "ours", "theirs"],
        )


def ask(sub: str) -> CognitoUser | None:
    """Ask Cognito for a user; None if there is none. Raises CognitoError."""
    try:
        return cognito.gateway().read_user(sub)
    except cognito.UnknownUser:
        return None
