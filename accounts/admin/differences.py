"""The list of differences between this site and Cognito, and the page of one."""

from collections.abc import Iterable
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from accounts import phones
from accounts.admin import base, comparison_table, difference_actions, row_page, sync_runs
from accounts.conf import conf
from accounts.models import Difference, SyncRun, User
from accounts.sync import compare


class StateFilter(admin.SimpleListFilter):
    """Filter by state. Without a choice, open differences are shown."""

    title = _("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, Any]]:
        return [
            *(
                (state.value, state.label)
                for state in Difference.State
                if state != Difference.State.OPEN
            ),
            ("all", _("All")),
        ]

    def choices(self, changelist: Any) -> Any:
        everything = super().choices(changelist)
        first = next(iter(everything))
        yield {**first, "display": Difference.State.OPEN.label}
        yield from everything

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() == "all":
            return queryset
        return queryset.filter(state=self.value() or Difference.State.OPEN)


@admin.register(Difference)
class DifferenceAdmin(row_page.RowPage, base.ReadOnlyList):
    """The list of differences, newest first. Comparisons add to it, never people."""

    about = _(
        "Accounts that are not the same here and in Cognito. Open one to see both sides "
        "and to repair it."
    )

    list_display_links = ("what",)
    list_filter = ("kind", StateFilter)
    list_select_related = ("user",)
    ordering = ("-pk",)
    sortable_by = ()
    actions = ("repair_chosen", "undo_chosen")
    # get_search_results reads the search term; without a field there would be no search box.
    search_fields = ("sub",)
    search_help_text = _("A Cognito sub, or a whole phone number as it stands here.")
    change_list_template = "admin/accounts/difference/list.html"
    change_form_template = "admin/accounts/difference/page.html"

    def get_list_display(self, request: HttpRequest) -> Any:
        # Methods of the class do not know the request, and not everybody may see whole numbers.
        @admin.display(description=_("here"))
        def here(difference: Difference) -> str:
            return comparison_table.in_words(request, difference.ours, difference.theirs)

        @admin.display(description=_("in Cognito"))
        def there(difference: Difference) -> str:
            return comparison_table.in_words(request, difference.theirs, difference.ours)

        return ("what", "whose", here, there, "found", "how_it_stands")

    @admin.display(description=_("kind"))
    def what(self, difference: Difference) -> str:
        return str(difference.get_kind_display())

    @admin.display(description=_("user"))
    def whose(self, difference: Difference) -> str:
        if difference.user is None:
            return difference.sub
        url = reverse("admin:accounts_user_change", args=[difference.user.pk])
        return format_html('<a href="{}">{}</a>', url, difference.user)

    @admin.display(description=_("found"))
    def found(self, difference: Difference) -> str:
        return f"{timezone.localtime(difference.found_at):%Y-%m-%d %H:%M}"

    @admin.display(description=_("state"))
    def how_it_stands(self, difference: Difference) -> str:
        if difference.problem and difference.state == Difference.State.OPEN:
            return f"{difference.get_state_display()}: {difference.problem}"
        return str(difference.get_state_display())

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        term = search_term.strip()
        if not term:
            return queryset, False
        if phone := phones.find(term, region=conf.default_region):
            owners = User.objects.filter(pool=conf.user_pool_id, phone=phone)
            return queryset.filter(user__in=list(owners.values_list("pk", flat=True))), False
        return queryset.filter(sub=term), False

    # Pages

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("compare/", view(sync_runs.compare_view), name="accounts_difference_compare"),
            *(
                path(
                    f"{action.name}/", view(action.view), name=f"accounts_difference_{action.name}"
                )
                for action in difference_actions.ACTIONS
            ),
            *super().get_urls(),
        ]

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> Any:
        run = SyncRun.objects.filter(pool=conf.user_pool_id).order_by("-pk").first()
        is_running = bool(run and run.state == SyncRun.State.RUNNING)
        context = {
            "run": run,
            "is_running": is_running,
            "progress": sync_runs.progress(run) if run and is_running else (0, 0),
            "found": sync_runs.summary(run) if run and not is_running else [],
            "may_repair": difference_actions.are_allowed(request),
        }
        return super().changelist_view(request, {**context, **(extra_context or {})})

    def facts(self, request: HttpRequest, difference: Difference) -> dict[str, Any]:
        action = difference_actions.for_one(request, difference)
        others = list(difference.theirs.get("others", []))
        return {
            "title": f"{difference.get_kind_display()}: {difference.user or difference.sub}",
            "difference": difference,
            "compared": comparison_table.of_difference(request, difference),
            "means": compare.MEANS[compare.Kind(difference.kind)],
            "others": [
                (sub, User.objects.filter(pool=difference.pool, sub=sub).first()) for sub in others
            ],
            "action": action,
            "address": action.link([difference.pk]) if action else "",
        }

    # Actions

    @admin.action(description=_("Repair what is chosen"), permissions=["repair"])
    def repair_chosen(
        self, request: HttpRequest, chosen: QuerySet[Difference]
    ) -> HttpResponse | None:
        return difference_actions.REPAIR.choose(self, request, chosen)

    @admin.action(description=_("Undo what is chosen"), permissions=["repair"])
    def undo_chosen(
        self, request: HttpRequest, chosen: QuerySet[Difference]
    ) -> HttpResponse | None:
        return difference_actions.UNDO.choose(self, request, chosen)

    def has_repair_permission(self, request: HttpRequest) -> bool:
        return difference_actions.are_allowed(request)
