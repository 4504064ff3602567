"""The admin pages of this app, one module for each kind of thing."""

from accounts.admin import users  # noqa: F401 - registers itself
