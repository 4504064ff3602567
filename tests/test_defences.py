"""Defences can be taken out: their lines and tests are there (``python -m tests.defences``)."""

import ast
import dataclasses
import re

import pytest
import yaml

from tests.defences import DEFENCES, PROJECT


@pytest.mark.parametrize("defence", DEFENCES, ids=lambda defence: defence.name)
def test_defence_can_be_taken_out(defence):
    source = (PROJECT / defence.file).read_text("utf-8")
    left = defence.taken_out_of(source)
    assert left != source
    if defence.file.endswith(".py"):
        ast.parse(left)
    else:
        yaml.compose(left)


@pytest.mark.parametrize("defence", DEFENCES, ids=lambda defence: defence.name)
def test_defence_has_a_test_that_is_there(defence):
    assert defence.tests
    for test in defence.tests:
        file, _, name = test.partition("::")
        assert re.search(rf"^def {name}\(", (PROJECT / file).read_text("utf-8"), re.MULTILINE), test


@pytest.mark.parametrize("lines", ["no such line", "import"])
def test_lines_that_are_gone_or_there_twice_are_told(lines):
    defence = dataclasses.replace(DEFENCES[0], lines=lines)
    with pytest.raises(ValueError, match="not there once"):
        defence.taken_out_of((PROJECT / defence.file).read_text("utf-8"))


def test_defences_have_names_of_their_own():
    names = [defence.name for defence in DEFENCES]
    assert len(names) == len(set(names))
