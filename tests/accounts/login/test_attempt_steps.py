"""What all steps of an attempt share, where other requests or parts of a site come between."""

from collections.abc import Callable

import pytest
from django.http import HttpRequest, HttpResponseBase

from accounts.models import SignInEvent
from tests.concurrency import at_once, database_in_a_file
from tests.login_steps import answer, ask, same_cookies

pytestmark = [pytest.mark.pages]


def reads_the_user_early(
    get_response: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[[HttpRequest], HttpResponseBase]:
    """A middleware that asks who it is before any view does, as those of a site may."""

    def handle(request: HttpRequest) -> HttpResponseBase:
        assert not request.user.is_authenticated
        return get_response(request)

    return handle


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("early", [False, True])
def test_wrong_code_twice_at_once_costs_one_try(client, pool, known, tmp_path, settings, early):
    if early:
        settings.MIDDLEWARE = [*settings.MIDDLEWARE, f"{__name__}.reads_the_user_early"]
    with database_in_a_file(tmp_path):
        ask(client, known.phone)
        twin, wrong = same_cookies(client), pool.wrong_code()
        pages = at_once(lambda: answer(client, wrong), lambda: answer(twin, wrong))
        assert SignInEvent.objects.filter(reason="wrong_code").count() == 1
    assert [page.status_code for page in pages] == [200, 200]
    assert len(pool.calls("RespondToAuthChallenge")) == 1
