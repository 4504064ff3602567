"""``manage.py cognito_doctor``: faults of a stage, each with the command that repairs it."""

import json
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from cognito_admin import accepted_findings, aws_account, doctor
from cognito_admin.doctor import Level
from cognito_admin.terminal import DeployError

_LOOKS = {Level.OK: "SUCCESS", Level.WARNING: "WARNING", Level.DANGER: "ERROR"}


class Command(BaseCommand):
    help = (
        "Looks at the stack, the pool, its clients, the triggers, whether texts would arrive, and "
        "the site's settings. Runs each function once for a number that is nobody's; changes "
        "nothing and texts nobody. Ends with 1 where something is a danger, else with 2 where "
        "something could not be checked."
    )
    # Its own findings: the checks must not end it before it begins.
    requires_system_checks: Any = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--stage", default="prod", help="stage of the stack (prod)")
        parser.add_argument("--json", action="store_true", help="one JSON list, for machines")
        parser.add_argument(
            "--without-site", action="store_true", help="the settings here are not the site's"
        )
        parser.add_argument(
            "--config",
            type=Path,
            default=settings.BASE_DIR / "deploy.toml",
            help="where the stage says which findings it accepts (deploy.toml)",
        )
        parser.add_argument(
            "--only",
            nargs="+",
            choices=doctor.PARTS,
            default=[],
            metavar="PART",
            help=f"these parts alone, as after a remedy: {', '.join(doctor.PARTS)}",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        context = doctor.Context(aws_account.configured(), options["stage"])
        today, with_site = datetime.now(UTC).date(), not options["without_site"]
        try:
            accepts = accepted_findings.read(options["config"], options["stage"], today=today)
        except DeployError as error:
            raise CommandError(str(error)) from error
        examined = doctor.examine(context, with_site=with_site, only=options["only"])
        findings = []
        are_all = with_site and not options["only"]
        for finding in accepted_findings.apply(examined, accepts, today=today, are_all=are_all):
            findings.append(finding)
            if not options["json"]:
                self._show(finding)
        if options["json"]:
            self.stdout.write(json.dumps([asdict(each) for each in findings], indent=2))
        dangers = sum(each.level is Level.DANGER for each in findings)
        unknown = sum(each.level is Level.NOT_CHECKED for each in findings)
        said = [f"{dangers} dangers" if dangers > 1 else "1 danger"] if dangers else []
        if unknown:
            said.append(f"{unknown} not checked")
        if said:
            raise CommandError(", ".join(said), returncode=1 if dangers else 2)

    def _show(self, finding: doctor.Finding) -> None:
        look = getattr(self.style, _LOOKS.get(finding.level, "NOTICE"))
        line = f"{look(f'{finding.level:11}')} {finding.check}: {finding.text.rstrip('.')}"
        self.stdout.write(f"{line}. Repair: {finding.repair}" if finding.repair else line)
