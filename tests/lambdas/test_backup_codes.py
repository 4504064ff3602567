"""Backup codes on a real table: drawn, counted, taken once, and good in the place of an app's."""

import re
import time

import pytest

from lambdas.triggers import backup_codes, keys, ledger, manage_ledger, site_texts
from tests.lambdas.flow import in_parallel, is_correct

pytestmark = pytest.mark.cloud


def ask(action: str, user: str, **more: object) -> dict:
    return site_texts.handler({"action": action, "user": user, **more}, None)


def new(user: str) -> list[str]:
    return ask("new_backup_codes", user)["codes"]


def check(user: str, code: object) -> bool:
    answer = ask("check_backup_code", user, code=code)
    assert list(answer) == ["is_correct"]
    return answer["is_correct"]


def left(user: str) -> int:
    return ask("backup_codes", user)["left"]


def test_ten_codes_are_drawn_each_good_once(flow):
    codes = new(flow.sub)
    assert len(set(codes)) == backup_codes.COUNT == left(flow.sub)
    assert all(re.fullmatch(r"[2-9A-HJKMNP-Z]{4}-[2-9A-HJKMNP-Z]{4}", code) for code in codes)
    assert check(flow.sub, codes[3])
    assert not check(flow.sub, codes[3])
    assert left(flow.sub) == 9


@pytest.mark.parametrize("typed", [str.lower, lambda code: f"  {code.replace('-', ' ')} "])
def test_code_is_read_as_people_type_it(flow, typed):
    assert check(flow.sub, typed(new(flow.sub)[0]))


def test_of_many_right_answers_at_once_one_is(flow):
    code = new(flow.sub)[0]
    assert sum(in_parallel(6, lambda n: check(flow.sub, code))) == 1


def test_answers_are_counted_before_they_are_compared(flow):
    code = new(flow.sub)[0]
    assert in_parallel(12, lambda n: check(flow.sub, "AAAA-AAAA")) == [False] * 12
    # Held after ten in a row, as a number is after wrong codes.
    assert not check(flow.sub, code)


def test_strangers_hold_neither_known_browsers_nor_people_with_the_right_text(flow):
    first, second = new(flow.sub)[:2]
    for _ in range(10):
        check(flow.sub, "AAAA-AAAA")
    assert not check(flow.sub, first)
    assert ask("check_backup_code", flow.sub, code=first, is_known=True)["is_correct"]
    now = time.time()
    assert backup_codes.accept(flow.sub, second, lane=backup_codes.Lane.APP, now=now)


def test_operator_who_unlocks_the_number_unlocks_the_codes_too(flow):
    code = new(flow.sub)[0]
    for _ in range(10):
        check(flow.sub, "AAAA-AAAA")
    manage_ledger.handler({"action": "unlock", "phone": flow.phone, "user": flow.sub}, None)
    assert check(flow.sub, code)


def test_right_code_ends_the_count(flow):
    codes = new(flow.sub)
    for code in codes[:2]:
        assert [check(flow.sub, "AAAA-AAAA") for _ in range(9)] == [False] * 9
        assert check(flow.sub, code)


@pytest.mark.parametrize(
    "junk", ["", "AAAA-AAA", "AAAA-AAAAA", "AAAA-AAA0", None, 7, True, "A" * 99]
)
def test_answer_that_can_be_no_code_costs_nothing(flow, junk):
    code = new(flow.sub)[0]
    assert not any(check(flow.sub, junk) for _ in range(12))
    assert check(flow.sub, code)


def test_new_codes_replace_the_old_ones(flow):
    old = new(flow.sub)[0]
    new(flow.sub)
    assert not check(flow.sub, old)
    assert left(flow.sub) == 10


def test_codes_are_of_one_person(flow):
    code = new(flow.sub)[0]
    new(flow.other("+12015550198").sub)
    assert not check(flow.other("+12015550198").sub, code)
    assert left("somebody-without-any") == 0


def test_table_holds_nothing_that_signs_its_reader_in(flow, table):
    codes = new(flow.sub)
    name = keys.pseudonym("backup codes", flow.sub)
    item = str(ledger.configured()._table.read(f"backup#{name}"))
    assert not [code for code in codes if code.replace("-", "") in item]
    assert flow.sub not in item


def test_operator_has_them_forgotten(flow):
    code = new(flow.sub)[0]
    manage_ledger.handler({"action": "forget_backup_codes", "user": flow.sub}, None)
    assert left(flow.sub) == 0
    assert not check(flow.sub, code)


def test_code_stands_for_one_of_the_app_where_a_sign_in_asks_for_that(flow, monkeypatch):
    monkeypatch.setenv("SIGN_IN_PLAN", "code authenticator")
    salt = ask("new_authenticator", flow.sub)["salt"]
    code = new(flow.sub)[0]

    def answer() -> bool:
        asked = flow.answer_event({"privateChallengeParameters": {"kind": "authenticator"}}, code)
        asked["request"]["userAttributes"] |= {"custom:authenticator": salt}
        return is_correct(asked)

    assert answer()
    assert not answer()


def test_code_is_no_answer_to_a_code_by_text(flow, texted):
    code = new(flow.sub)[0]
    assert not flow.answer(texted, code)
    assert left(flow.sub) == 10
