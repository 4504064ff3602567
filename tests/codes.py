"""The codes of texts: the right one and the wrong ones."""

import re


def code_in(text: str) -> str:
    return re.match(r"\d{6}", text)[0]


def wrong(code: str, by: int = 1) -> str:
    """Another code of the same length."""
    return f"{(int(code) + by) % 10 ** len(code):0{len(code)}d}"
