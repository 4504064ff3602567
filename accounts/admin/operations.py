"""The list of operations, the page of a batch, and the button that tries one again."""

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts import operations
from accounts.admin import base, display, order_operations
from accounts.models import Operation


@admin.register(Operation)
class OperationAdmin(base.ReadOnlyList):
    """The list of operations, newest first, with the result of each."""

    about = _(
        "All that operators have ordered. Orders that Cognito has not accepted yet wait here, and "
        "are tried again by themselves."
    )

    list_display = ("at", "kind", "account", "state_", "by_name", "reason", "result")
    list_filter = ("state", "kind")
    ordering = ("-pk",)
    sortable_by = ()
    actions = None
    # Without the parameters: a phone among them is whole while the operation waits.
    fields = (
        "kind",
        "account",
        "state",
        "result",
        "by_name",
        "reason",
        "ordered_at",
        "finished_at",
        "tries",
    )
    readonly_fields = ("account", "result")

    @admin.display(description=_("ordered"))
    def at(self, order: Operation) -> str:
        return display.moment(order.ordered_at)

    @admin.display(description=_("account"))
    def account(self, order: Operation) -> str:
        if order.user_id is None:
            url = reverse("admin:accounts_operation_batch", args=[order.batch])
            return format_html('<a href="{}">{}</a>', url, order.who) if order.batch else order.who
        url = reverse("admin:accounts_user_change", args=[order.user_id])
        return format_html('<a href="{}">{}</a>', url, order.who)

    @admin.display(description=_("state"))
    def state_(self, order: Operation) -> str:
        return format_html(
            '<span class="order order-{}">{}</span>', order.state, order.get_state_display()
        )

    @admin.display(description=_("result"))
    def result(self, order: Operation) -> str:
        return display.outcome(order)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Operation]:
        return super().get_queryset(request).defer("params")

    def get_urls(self) -> list[URLPattern]:
        guarded = self.admin_site.admin_view
        return [
            path("batch/<slug:batch>/", guarded(batch_view), name="accounts_operation_batch"),
            path("<int:pk>/retry/", guarded(retry_view), name="accounts_operation_retry"),
            *super().get_urls(),
        ]


def batch_view(request: HttpRequest, batch: str) -> HttpResponse:
    """Show how far the operations that were ordered together got, one on each line."""
    found = list(Operation.objects.filter(batch=batch).order_by("pk")[: order_operations.MOST])
    if not found:
        raise Http404
    mine = all(order.by_id == request.user.pk for order in found)
    if not mine and not request.user.has_perm("accounts.view_operation"):
        raise PermissionDenied
    untried = sum(order.is_waiting and not order.tries for order in found)
    over = sum(not order.is_waiting for order in found)
    states = Operation.State
    context = {
        **admin.site.each_context(request),
        "title": gettext("%(what)s: %(done)d of %(all)d done")
        % {
            "what": found[0].get_kind_display().capitalize(),
            "done": sum(order.is_done for order in found),
            "all": len(found),
        },
        "opts": Operation._meta,
        "reason": found[0].reason,
        "orders": [
            (order, display.outcome(order), order_operations.may_retry(request, order))
            for order in found
        ],
        "untried": untried,
        "over": over,
        "number": len(found),
        "waiting": sum(order.is_waiting for order in found) - untried,
        "refused": sum(order.state == states.REFUSED for order in found),
    }
    return render(request, "admin/accounts/operation/batch.html", context)


def retry_view(request: HttpRequest, pk: int) -> HttpResponse:
    """Try an operation now instead of at its next time."""
    order = get_object_or_404(Operation, pk=pk)
    if not order_operations.may_order(request, order.kind):
        raise PermissionDenied
    if request.method == "POST":
        if order.is_waiting:
            operations.run(order)
        order_operations.report(request, order)
    if order.batch:
        return redirect("admin:accounts_operation_batch", order.batch)
    if order.user_id is None or order.is_gone:
        return redirect("admin:accounts_user_changelist")
    return redirect("admin:accounts_user_change", order.user_id)
