"""The table of faults: each fault at each step of a sign-in, and what a person meets.

``measured`` brings up three sites, lets people come to their steps, and plays every group of
``groups`` on its site, all three at once.
"""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.fakes.tokens import signing_key
from tests.faults import groups
from tests.faults.groups import Group
from tests.faults.row import Row
from tests.faults.stage import Person, Stage, site_environment, staged
from tests.site import manage

_STAGES = ("cognito", "stores", "clock")


def measured(folder: Path) -> list[Row]:
    """Return the whole table. It takes a minute."""
    every = groups.every()
    # Before two threads make it at once.
    signing_key("pool")
    given = site_environment(folder)
    manage(given, "collectstatic", "--noinput")

    def play(name: str) -> None:
        with staged(folder / name, given) as stage:
            for group in (each for each in every if each.on == name):
                group.play(stage, group.rows, _come_to_their_steps(stage, group))

    with ThreadPoolExecutor(len(_STAGES)) as pool:
        list(pool.map(play, _STAGES))
    return [row for group in every for row in group.rows]


def _come_to_their_steps(stage: Stage, group: Group) -> list[Person]:
    people = [stage.person() for _ in group.rows]
    for person, row in zip(people, group.rows, strict=True):
        if row.step == "resend":
            stage.cognito.hurried.add(person.phone)
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda person, row: person.come_to(row.step), people, group.rows))
    # So that a text leaves when they ask for another one.
    stage.pool.end_cooldowns()
    return people
