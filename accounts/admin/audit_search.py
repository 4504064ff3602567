"""The search of the audit log: people and their operations, and any object by its name.

Each part of the condition has an index on PostgreSQL, most by ids that are looked up first.
"""

from django.contrib.contenttypes.models import ContentType
from django.db.models import F, Q
from django.http import HttpRequest

from accounts.admin import user_search
from accounts.models import Operation, User

# Names that more people have in common find the newest of them; the whole name finds the rest.
_MOST_PEOPLE, _MOST_OPERATIONS = 200, 1000
# An index of parts knows three letters in a row.
_PART = 3


def matching(request: HttpRequest, term: str) -> Q:
    """Return the condition of a search. Three queries, of which two are for people."""
    if not term:
        return Q()
    found = User.objects.filter(user_search.matching(request, term))
    # Without the index of the primary key, as in the list of users.
    newest = found.order_by((F("pk") + 0).desc())
    people = set(newest.values_list("pk", flat=True)[:_MOST_PEOPLE])
    # An account that was deleted has operations left, with its sub and its id.
    gone = Operation.objects.filter(sub=term, user_id__isnull=False)
    people.update(gone.values_list("user_id", flat=True)[:1])
    orders = Operation.objects.filter(user_id__in=people).order_by("-pk")
    wanted = _of(User, people)
    wanted |= _of(Operation, set(orders.values_list("pk", flat=True)[:_MOST_OPERATIONS]))
    if len(term) >= _PART and any(c.isalpha() for c in term):
        wanted |= Q(object_repr__icontains=term)
    return wanted


def _of(model: type[User] | type[Operation], ids: set[int]) -> Q:
    of_model = ContentType.objects.get_for_model(model)
    return Q(content_type=of_model, object_id__in=ids)
