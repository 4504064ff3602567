"""The number of processors, from which gunicorn's workers follow."""

import os

import pytest

from config import processors

MACHINE = len(os.sched_getaffinity(0))


@pytest.mark.parametrize(
    ("quota", "count"),
    [
        ("max 100000\n", MACHINE),
        ("100000 100000\n", 1),
        ("50000 100000\n", 1),
        ("6400000 100000\n", min(64, MACHINE)),
        ("junk\n", MACHINE),
    ],
)
def test_container_counts_what_it_may_use(tmp_path, quota, count):
    (tmp_path / "cpu.max").write_text(quota)
    assert processors.count(tmp_path / "cpu.max") == count


def test_machine_without_control_groups_counts_its_processors(tmp_path):
    assert processors.count(tmp_path / "none") == MACHINE
