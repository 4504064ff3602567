"""Users with one number, in the comparison and in the repair of a pool."""

from accounts.sync.duplicates import by_number


def test_number_in_two_spellings_is_one_number_and_what_is_none_is_nobodys():
    written = {
        "ann": "+447400123456",
        "ben": "+4407400123456",
        "cat": "+12015550123",
        "dan": "+27860123456",
        "eve": "+270860123456",
        "fay": "+2700860123456",
        "short": "+1",
        "impossible": "+1201555",
        "none": None,
        "empty": "",
        "long": "+1" + "2" * 100,
    }
    assert by_number((phone, name) for name, phone in written.items()) == {
        "+447400123456": ["ann", "ben"],
        "+27860123456": ["dan", "eve", "fay"],
        "+12015550123": ["cat"],
    }
