from django.apps import AppConfig


class CognitoAdminConfig(AppConfig):
    name = "cognito_admin"
