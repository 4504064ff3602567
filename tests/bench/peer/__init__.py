"""What others make of the same: django-allauth's login by code, mozilla-django-oidc's callback, and
Django's sessions and users alone, as their documentation sets them up.
"""
