"""Operations on accounts: ``queue`` stores and tries, ``rules`` allow, ``handlers`` run them."""

from accounts.operations.queue import draw_batch, order, perform, run, run_due
from accounts.operations.rules import grantable, last_login, refusal

__all__ = [
    "draw_batch",
    "grantable",
    "last_login",
    "order",
    "perform",
    "refusal",
    "run",
    "run_due",
]
