"""``manage.py make_admin``: make an operator, the first one included."""

from argparse import ArgumentParser
from typing import Any

from django.contrib.auth.models import Group
from django.core.management.base import BaseCommand, CommandError

from accounts import phones
from accounts.aws import cognito
from accounts.conf import conf
from accounts.login import second_factor
from accounts.management import arguments
from accounts.models import User
from accounts.operations import returns, roles


class Command(BaseCommand):
    help = (
        "Make the owner of a phone number an operator, in Cognito and here, and print a set-up"
        " code for the passkey that opens the admin. Again for an operator who has lost theirs."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        arguments.add_phone(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        phone = arguments.read_phone(options)
        gateway = cognito.gateway()
        try:
            identity = gateway.create_user(phone) or gateway.find_user(phone)
            if conf.staff_group:
                # Without the group, the next sign-in would take the rights away again.
                gateway.add_to_group(identity.sub, conf.staff_group)
        except cognito.CognitoError as error:
            raise CommandError(f"Cognito did not do it: {error!r}") from error
        user = User.objects.for_identity(identity.sub, phone)
        # The shell may open any account.
        returns.let_back(user)
        user.is_staff = user.is_superuser = user.is_active = True
        user.save(update_fields=["is_staff", "is_superuser", "is_active"])
        if not Group.objects.exists():
            # Ready for the operators who come next.
            roles.make()
        self.stdout.write(f"{phones.mask(phone)} is an operator. Sign in at /admin/ by phone.")
        if second_factor.is_needed(user):
            hours = second_factor.LIVES.total_seconds() // 3600
            self.stdout.write(
                f"Set-up code: {second_factor.draw(user)} (for {hours:.0f} hours, once). Type it"
                " there, and make the passkey that opens the admin."
            )
