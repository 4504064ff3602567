"""The template tag ``language_buttons``: a button for each language of the site."""

from functools import cache

from django import template
from django.template.loader import render_to_string
from django.utils.safestring import SafeString

register = template.Library()


@register.simple_tag
@cache
def language_buttons(language: str, form: str) -> SafeString:
    """Return the buttons on a page in ``language``; they send the form with the id ``form``.

    They are written once: on every page they would take a tenth of its time.
    """
    return render_to_string("_language_buttons.html", {"language": language, "form": form})
