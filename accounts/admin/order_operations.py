"""Order operations from the admin's pages, one or a batch of them.

An operation (accounts/operations) that is not done at once is done after the response, by the next
pages of any operator, or by ``manage.py run_operations``. The page of the batch shows how far it
got.
"""

import re
from typing import Any, cast

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from accounts import operations
from accounts.admin import display
from accounts.models import Operation, User
from accounts.operations.queue import Kind

# At most so many accounts, or lines of an invitation, at once.
MOST = 200
_INLINE_SECONDS = 8
_BATCH = re.compile(r"[A-Za-z0-9_-]{11}")
_PERMISSIONS = {
    Kind.DISABLE: "accounts.disable_user",
    Kind.ENABLE: "accounts.disable_user",
    Kind.SIGN_OUT: "accounts.sign_out_user",
    Kind.UNLOCK: "accounts.unlock_user",
    Kind.RESET_AUTHENTICATOR: "accounts.reset_authenticator",
    Kind.REMOVE_EMAIL: "accounts.remove_email",
    Kind.REMOVE_SECOND_NUMBER: "accounts.remove_second_number",
    Kind.FORGET_ANSWER: "accounts.forget_answer",
    Kind.CHANGE_NUMBER: "accounts.change_number",
    Kind.FREE_NUMBER: "accounts.decide_return",
    Kind.RECOVER: "accounts.start_recovery",
    Kind.MAKE_STAFF: "accounts.manage_staff",
    Kind.UNMAKE_STAFF: "accounts.manage_staff",
    Kind.ADD_TO_GROUP: "accounts.manage_staff",
    Kind.REMOVE_FROM_GROUP: "accounts.manage_staff",
    Kind.DELETE: "accounts.delete_user",
    Kind.INVITE: "accounts.invite_user",
}


def may_order(request: HttpRequest, kind: str) -> bool:
    """Tell whether this operator may order operations of this kind.

    That also needs the right to see people, since the pages of the actions name them.
    """
    may_see = any(map(request.user.has_perm, ("accounts.view_user", "accounts.change_user")))
    return may_see and request.user.has_perm(_PERMISSIONS[Kind(kind)])


def may_retry(request: HttpRequest, order: Operation) -> bool:
    """Tell whether this operator may try a waiting operation again."""
    return order.is_waiting and may_order(request, order.kind)


def order_many(
    request: HttpRequest, wanted: list[tuple[Operation.Kind, User | None, dict[str, Any]]]
) -> HttpResponse:
    """Order many operations, run as many as eight seconds allow, and lead to the batch's page.

    The rest runs after the response, and after those to later pages of any operator. A second press
    of the same button orders nothing: the form carries the name of its batch.
    """
    by = cast(User, request.user)
    with transaction.atomic():
        # The lock makes two presses at once run one after the other.
        User.objects.select_for_update(no_key=True).get(pk=by.pk)
        batch = _batch_of(request)
        if not Operation.objects.filter(batch=batch).exists():
            for kind, user, params in wanted:
                operations.order(kind, user, by=by, batch=batch, **params)
    operations.run_due(seconds=_INLINE_SECONDS, limit=MOST, batch=batch)
    return redirect("admin:accounts_operation_batch", batch)


def _batch_of(request: HttpRequest) -> str:
    """Return the batch that the form names, or a new one if that is invalid or somebody else's."""
    sent = request.POST.get("batch", "")
    theirs = Operation.objects.filter(batch=sent).exclude(by=request.user.pk)
    return sent if _BATCH.fullmatch(sent) and not theirs.exists() else operations.draw_batch()


def report(request: HttpRequest, order: Operation) -> None:
    """Add a message that tells the operator how far an operation got."""
    level = messages.SUCCESS
    if order.is_waiting:
        level = messages.WARNING
    elif not order.is_done:
        level = messages.ERROR
    messages.add_message(request, level, f"{order}: {display.outcome(order)}")
