"""``manage.py cognito_doctor``: what is wrong, and the command that mends it."""

import json
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from cognito_admin import account, doctor
from cognito_admin.doctor import Level

_LOOKS = {Level.OK: "SUCCESS", Level.WARNING: "WARNING", Level.DANGER: "ERROR"}


class Command(BaseCommand):
    help = (
        "Looks at the stack, the pool, its clients, the triggers, whether texts would arrive, and "
        "the site's settings. Changes and sends nothing. Fails where something is a danger."
    )
    # Its own findings: the checks must not end it before it begins.
    requires_system_checks: Any = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--stage", default="prod", help="stage of the stack (prod)")
        parser.add_argument("--json", action="store_true", help="one JSON list, for machines")
        parser.add_argument(
            "--without-site", action="store_true", help="the settings here are not the site's"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        case = doctor.Case(account.configured(), options["stage"])
        findings = []
        for finding in doctor.examine(case, with_site=not options["without_site"]):
            findings.append(finding)
            if not options["json"]:
                self._show(finding)
        if options["json"]:
            self.stdout.write(json.dumps([asdict(each) for each in findings], indent=2))
        count = sum(each.level is Level.DANGER for each in findings)
        if count:
            raise CommandError(f"{count} dangers" if count > 1 else "1 danger")

    def _show(self, finding: doctor.Finding) -> None:
        look = getattr(self.style, _LOOKS.get(finding.level, "NOTICE"))
        line = f"{look(f'{finding.level:11}')} {finding.check}: {finding.text.rstrip('.')}"
        self.stdout.write(f"{line}. Mend: {finding.mend}" if finding.mend else line)
