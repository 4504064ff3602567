from django.apps import AppConfig


class CognitoAdminConfig(AppConfig):
    """Only the management commands; no models and no urls."""

    name = "cognito_admin"
