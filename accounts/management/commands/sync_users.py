"""``manage.py sync_users``: compare with the user pool, repair and undo."""

import time
from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts import phones
from accounts.models import Difference, SyncRun
from accounts.sync import compare, errors, repair, runs
from accounts.sync.pace import Pace

_TRIES = 8
_LONGEST_WAIT = 30.0
_SHOWN = 10
_NOTE_EVERY = 5.0  # seconds, where a line cannot be overwritten


class Command(BaseCommand):
    help = (
        "Compare the users here with those in Cognito, and repair or undo. Can be interrupted at "
        "any point; --resume goes on."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        kinds = [kind.value for kind in compare.REPAIRABLE]
        parser.add_argument(
            "--dry-run", action="store_true", help="only list the differences, change nobody"
        )
        parser.add_argument(
            "--repair",
            nargs="+",
            choices=kinds,
            default=[],
            metavar="KIND",
            help=f"repair these: {', '.join(kinds)}",
        )
        parser.add_argument("--undo", type=int, metavar="RUN", help="undo what a run has repaired")
        parser.add_argument(
            "--resume", action="store_true", help="go on with the run that was cut off"
        )
        parser.add_argument(
            "--per-second",
            type=float,
            default=runs.PER_SECOND,
            help="calls to Cognito per second; it grants 30 lists of users (default: %(default)s)",
        )
        parser.add_argument(
            "--unconfirmed-after",
            type=float,
            default=runs.UNCONFIRMED_AFTER / timedelta(hours=1),
            metavar="HOURS",
            help="how long a sign-up may take before it counts as stuck (default: %(default)s)",
        )
        parser.add_argument(
            "--shut-out-most",
            type=int,
            default=runs.SHUT_OUT_MOST,
            metavar="NUMBER",
            help="shut out nobody if more than so many are only here (default: %(default)s)",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if sum(map(bool, (options["undo"], options["resume"], options["repair"]))) > 1:
            raise CommandError("Use one of --repair, --undo and --resume.")
        if options["dry_run"] and (options["undo"] or options["resume"]):
            raise CommandError("--dry-run is for a new run.")
        if not 0.01 <= options["per_second"] <= 1000:
            raise CommandError("--per-second is out of range.")
        if options["unconfirmed_after"] < 0 or options["shut_out_most"] < 0:
            raise CommandError("--unconfirmed-after and --shut-out-most are not below zero.")
        if options["undo"]:
            self._undo(options["undo"])
            return
        if options["resume"]:
            run = runs.unfinished()
            if run is None:
                raise CommandError("No run was cut off.")
        else:
            run = runs.start(
                by="sync_users",
                repair=options["repair"],
                dry_run=options["dry_run"],
                unconfirmed_after=timedelta(hours=options["unconfirmed_after"]),
                shut_out_most=options["shut_out_most"],
            )
        self._go(run, Pace(options["per_second"]))
        self._report(run, options["repair"] if options["dry_run"] else [])

    def _go(self, run: SyncRun, pace: Pace) -> None:
        self.stdout.write(f"Run {run.pk}")
        progress = _Progress(self.stdout, run)
        failures = 0
        goes_on = True
        while goes_on:
            try:
                goes_on = runs.step(run, pace)
            except errors.Overtaken as error:
                raise CommandError(f"Another process goes on with run {run.pk}.") from error
            except KeyboardInterrupt as error:
                raise CommandError("Interrupted. --resume goes on.") from error
            except errors.Unreachable as error:
                failures += 1
                if failures == _TRIES or isinstance(error, errors.Misconfigured):
                    raise CommandError(
                        f"Cognito did not answer: {error}. --resume goes on."
                    ) from error
                time.sleep(min(_LONGEST_WAIT, 0.5 * 2**failures))
            else:
                failures = 0
                progress.note(is_last=not goes_on)

    def _report(self, run: SyncRun, wanted: list[str]) -> None:
        found = runs.counts(run)
        self.stdout.write(f"{run.listed:,} users listed; {_total(found):,} differences")
        for kind in Difference.Kind:
            states = found.get(kind.value, {})
            if not states:
                continue
            words = ", ".join(f"{number:,} {state}" for state, number in states.items())
            self.stdout.write(f"{kind.value}: {words}")
            if kind.value in wanted:
                self.stdout.write(f"  would be repaired: {compare.MEANS[kind]}")
            for difference in run.differences.filter(kind=kind).order_by("pk")[:_SHOWN]:
                self.stdout.write(f"  {difference.sub} {_in_words(difference)}")
            if sum(states.values()) > _SHOWN:
                self.stdout.write("  … the others are listed in the admin pages")
        if run.problem:
            self.stderr.write(run.problem)
        if any("repaired" in states for states in found.values()):
            self.stdout.write(f"To undo: manage.py sync_users --undo {run.pk}")

    def _undo(self, number: int) -> None:
        run = SyncRun.objects.filter(pk=number).first()
        if run is None:
            raise CommandError(f"There is no run {number}.")
        done = failed = 0
        for difference, why_not in repair.undo_run(run, by="sync_users"):
            done += not why_not
            failed += bool(why_not)
            if why_not:
                self.stderr.write(f"{difference.kind} of {difference.sub}: {why_not}")
        self.stdout.write(f"{done:,} undone, {failed:,} left as they are")


class _Progress:
    """Show progress in one line that is overwritten on a terminal, elsewhere in new lines."""

    def __init__(self, out: Any, run: SyncRun) -> None:
        self._out = out
        self._run = run
        self._began = self._noted = time.monotonic()
        self._listed = run.listed

    def note(self, *, is_last: bool) -> None:
        now = time.monotonic()
        is_terminal = self._out.isatty()
        if now - self._noted < (0.2 if is_terminal else _NOTE_EVERY) and not is_last:
            return
        self._noted = now
        rate = (self._run.listed - self._listed) / max(now - self._began, 0.001)
        line = f"{self._run.get_phase_display()}: {self._run.listed:,} users, {rate:,.0f}/s"
        if is_terminal:
            self._out.write(f"\r{line:78}", ending="\n" if is_last else "")
            self._out.flush()
        else:
            self._out.write(line)


def _total(found: dict[str, dict[str, int]]) -> int:
    return sum(sum(states.values()) for states in found.values())


def _in_words(difference: Difference) -> str:
    """Describe both sides of a difference, with masked numbers."""

    def side(values: dict[str, Any]) -> str:
        if not values:
            return "nothing"
        enabled = "" if values["enabled"] else " disabled"
        proven = "" if values["phone_verified"] else " unproven"
        phone = phones.mask(values["phone"] or "") or "no number"
        return f"{phone}{proven} {values['status'] or '-'}{enabled}"

    return f"here {side(difference.ours)}; Cognito {side(difference.theirs)}"
