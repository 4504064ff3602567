from django import template

from accounts import phones

register = template.Library()
register.filter("spaced", phones.spaced)
