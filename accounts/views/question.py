"""The page on which people who are signed in choose the answer to their secret question."""

from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.mixins import LoginRequiredMixin
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.generic import View

from accounts.conf import conf
from accounts.login import errors, reauthentication, secret_answer


class SecretAnswerForm(forms.Form):
    """A new answer. The triggers judge whether it can be one."""

    answer = forms.CharField(
        max_length=400, error_messages={"required": gettext_lazy("Type your answer.")}
    )


@method_decorator(
    [never_cache, sensitive_post_parameters("answer"), reauthentication.required], name="dispatch"
)
class QuestionView(LoginRequiredMixin, View):
    """Show the question, and keep a new answer after a fresh code.

    There is no such page where no sign-in asks the question.
    """

    http_method_names = ["get", "head", "post"]

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if "question" not in conf.sign_in_plan:
            raise Http404
        return super().dispatch(request, *args, **kwargs)

    def get(self, request: HttpRequest) -> HttpResponse:
        return _page(request, SecretAnswerForm())

    def post(self, request: HttpRequest) -> HttpResponse:
        form = SecretAnswerForm(request.POST)
        if form.is_valid():
            try:
                if secret_answer.keep(request, form.cleaned_data["answer"]):
                    messages.success(request, _("Your answer is kept."))
                    return redirect("home")
            except errors.Unavailable:
                return _page(request, form, status=503)
            form.add_error("answer", _("That answer is too short or too long."))
        return _page(request, form)


def _page(request: HttpRequest, form: SecretAnswerForm, *, status: int = 200) -> HttpResponse:
    question = None
    if status == 200:
        try:
            question = secret_answer.show(request)
        except errors.Unavailable:
            status = 503
    context = {"form": form, "secret": question, "is_unavailable": status == 503}
    return render(request, "accounts/question.html", context, status=status)
