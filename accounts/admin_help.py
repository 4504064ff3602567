"""Help of the admin's pages: what an operator does on each of them, and what this one may do."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from accounts.operations import roles

# Of every page, whatever it lists.
_COMMON = (
    _("Times are in the time zone at the top. Press it to choose another for yourself."),
    _("Each act first says what will happen, and asks for a code if you typed none for a while."),
    _("All that you do is recorded under your name, with the reason that you write down."),
)
_OVERVIEW = (
    _("Look here first when people say that they cannot sign in."),
    _("If the share of attempts that succeed falls, something is wrong."),
    _("Press a number or a bar to see the events behind it."),
    _("Choose at the top how far you look back."),
)
# By the models of the pages.
_STEPS: Mapping[str, tuple[Any, ...]] = {
    "user": (
        _("Type the number of the person into the search box, in any notation, or their name."),
        _("Open their page: it shows what Cognito knows, their devices, sign-ins and changes."),
        _("If no text arrives, look at “The number”, and unlock it if it is held."),
        _("If a phone was lost or stolen, sign them out everywhere, then start a recovery."),
        _("If somebody must stay out, disable them. You can enable them again."),
    ),
    "signinevent": (
        _("Ask for the reference on their page, such as K7F-2Q, and type it into the search box."),
        _("Open an event to see the whole attempt, step by step, with the device of each."),
        _(
            "If no text arrived, that page has a query for the log, which shows what happened "
            "to it."
        ),
    ),
    "operation": (
        _("An operation that is done needs nothing from you."),
        _(
            "An operation that waits is tried again by itself. “Try now” on the person's page "
            "does it at once."
        ),
        _("An operation that was refused says why. Nothing of it was done."),
    ),
    "recovery": (
        _("Start a recovery on the page of the person. Ask for something that only they can know."),
        _("It waits, so that whoever was told can stop it. Agree on a time to call them."),
        _("When it is ready, press “Get the code” with them on the phone, and read it out."),
        _("Some people need a second operator, who presses “Agree” before the wait begins."),
    ),
    "return": (
        _("People tell you the reference of their page: search for it."),
        _("Ask for something that a new owner of the number cannot know."),
        _("Approve it, and a code opens the account. Refuse it, and the account stays closed."),
    ),
    "difference": (
        _("“Compare now” changes nobody."),
        _("Open a difference to see both sides and what a repair does. It can be undone."),
    ),
    "group": (
        _("A group is a set of rights. People are put into it on their own page."),
        _("Only superusers change groups, with a code typed a moment ago."),
    ),
    "export": (
        _("To make one, open a list, filter it and press “Export”."),
        _("You may leave its page. “Look again” shows how far it got."),
        _("Fetch the file within a day, and remove it when you have it."),
    ),
    "logentry": (
        _("Search for whom or what was changed, and narrow it down by operator and by date."),
        _("Open an entry to see the reason, the network and every value before and after."),
    ),
}


@dataclass(frozen=True)
class Page:
    """A page that an operator may open. ``name`` is that of its model, or "overview"."""

    name: str
    title: Any
    url: str
    about: Any
    steps: tuple[Any, ...]


def overview_page(url: str) -> Page:
    """Return the help of the front page with its figures."""
    about = _("How well sign-in works: how many people get in, and why others do not.")
    return Page("overview", _("Overview"), url, about, _OVERVIEW)


def page_of(model: Any, title: Any, url: str, about: Any) -> Page:
    """Return the help of a list; one of another app has its description alone."""
    name = model._meta.model_name
    return Page(name, title, url, about, _STEPS.get(name, ()))


def common() -> tuple[Any, ...]:
    """Return what is the same on every page."""
    return _COMMON


def rights_of(request: HttpRequest) -> list[Any]:
    """Return in words what this operator may do."""
    return [words for right, words in roles.RIGHTS.items() if request.user.has_perm(right)]
