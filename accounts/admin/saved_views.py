"""Saved views: filters, search and order of a list under a name, above the list.

The pages of a list (``list_tools``) show and change them. A saved query has parameters of its list
alone and follows the list's own address, so that a view leads nowhere else.
"""

from typing import Any, cast

from django import forms
from django.contrib import messages
from django.contrib.admin.options import IncorrectLookupParameters
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import Case, Q, QuerySet, When
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _

from accounts.admin import list_queries
from accounts.exports import queries
from accounts.models import SavedView, User
from accounts.models.exports import LONGEST

# Of one operator and list, and of others that are shown.
MOST = 20
_MOST_SHARED = 40


class SavedViewForm(forms.ModelForm):  # type: ignore[type-arg]
    """The name of a view, and for whom it is. The instance has its operator, list and query."""

    class Meta:
        model = SavedView
        fields = ("name", "is_shared")

    def __init__(self, data: Any, instance: SavedView, *, may_share: bool) -> None:
        super().__init__(data, instance=instance)
        if not may_share:
            del self.fields["is_shared"]

    def clean_name(self) -> str:
        """Refuse a name that this operator has given to another view of the list."""
        name = str(self.cleaned_data["name"])
        same = _own(self.instance).filter(name__iexact=name).exclude(pk=self.instance.pk)
        if same.exists():
            raise ValidationError(_same_name())
        return name


def context(page: Any, request: HttpRequest, asked: str) -> dict[str, Any]:
    """Return what the page of a list shows of saved views. One query."""
    query = list_queries.own(page, request, asked)
    of_list = SavedView.objects.filter(list_name=page.opts.model_name)
    found = of_list.filter(Q(by=request.user.pk) | Q(is_shared=True)).select_related("by")
    # One's own first, so that those of others crowd none of them out.
    mine_first = Case(When(by=request.user.pk, then=0), default=1)
    views = list(found.order_by(mine_first, "name", "pk")[: MOST + _MOST_SHARED])
    views.sort(key=lambda view: (view.name, view.pk))
    own = [view for view in views if view.by_id == request.user.pk]
    return {
        "views": views,
        "own_views": own,
        "view_query": query,
        "may_save_view": bool(query)
        and len(own) < MOST
        and all(view.query != query for view in own),
        "may_share_view": _may_share(request),
        "save_view_address": page.address("save_view"),
        "change_view_address": page.address("change_view"),
        "remove_view_address": page.address("remove_view"),
    }


def save(page: Any, request: HttpRequest) -> HttpResponse:
    """Save filters, search and order of the list that was posted."""
    query = _posted_query(page, request)
    if request.method != "POST" or not query:
        return _back(page, query)
    by = cast(User, request.user)
    view = SavedView(by=by, list_name=page.opts.model_name, query=query)
    if problem := _problem(page, request, view):
        messages.error(request, problem)
        return _back(page, query)
    return _stored(page, request, view, query)


def change(page: Any, request: HttpRequest) -> HttpResponse:
    """Give one's own view another name, or share it. Raises Http404."""
    query = _posted_query(page, request)
    if request.method != "POST":
        return _back(page, query)
    return _stored(page, request, _mine(page, request), query)


def remove(page: Any, request: HttpRequest) -> HttpResponse:
    """Remove one's own view. Raises Http404."""
    if request.method == "POST":
        view = _mine(page, request)
        view.delete()
        messages.success(request, _("The view “%s” is removed.") % view)
    return _back(page, _posted_query(page, request))


def _stored(page: Any, request: HttpRequest, view: SavedView, query: str) -> HttpResponse:
    form = SavedViewForm(request.POST, view, may_share=_may_share(request))
    if not form.is_valid():
        for errors in form.errors.values():
            messages.error(request, " ".join(str(each) for each in errors))
        return _back(page, query)
    try:
        with transaction.atomic():
            form.save()
    except IntegrityError:
        # Pressed twice at once.
        messages.error(request, _same_name())
    else:
        messages.success(request, _("The view “%s” is saved.") % view)
    return _back(page, query)


def _problem(page: Any, request: HttpRequest, view: SavedView) -> str:
    """Return why a view is not saved, or ""."""
    if queries.has_number(view.query):
        return _("A search for a number is not saved, so that it is kept nowhere.")
    if len(view.query) > LONGEST:
        return _("This is too long to be saved.")
    if _own(view).count() >= MOST:
        return _("You have %d views of this list. Remove one first.") % MOST
    request.GET = QueryDict(view.query)
    try:
        page.get_changelist_instance(request)
    except IncorrectLookupParameters:
        return _("The list does not know these filters.")
    return ""


def _posted_query(page: Any, request: HttpRequest) -> str:
    return list_queries.own(page, request, request.POST.get("query", ""))


def _back(page: Any, query: str) -> HttpResponse:
    return redirect(page.address("changelist") + (f"?{query}" if query else ""))


def _own(view: SavedView) -> QuerySet[SavedView]:
    return SavedView.objects.filter(by=view.by_id, list_name=view.list_name)


def _mine(page: Any, request: HttpRequest) -> SavedView:
    pk = request.POST.get("view", "")
    mine = SavedView.objects.filter(by=request.user.pk, list_name=page.opts.model_name)
    is_number = pk.isascii() and pk.isdigit() and len(pk) < 19
    return get_object_or_404(mine, pk=int(pk) if is_number else 0)


def _same_name() -> str:
    return _("You have a view of this name.")


def _may_share(request: HttpRequest) -> bool:
    return request.user.has_perm("accounts.share_view")
