from django.contrib.auth.mixins import LoginRequiredMixin
from django.views.generic import TemplateView


class Bare(LoginRequiredMixin, TemplateView):
    """The least that a page for somebody who is signed in can be."""

    template_name = "bare.html"
