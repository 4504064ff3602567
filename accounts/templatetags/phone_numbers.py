"""The template filter ``spaced``: a phone that is easy to read."""

from django import template

from accounts import phones

register = template.Library()
register.filter("spaced", phones.spaced)
