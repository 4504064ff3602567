"""Operations on accounts: ``queue`` orders and tries them, ``rules`` allow, ``handlers`` do."""

from accounts.operations.queue import draw_batch, order, perform, run, run_due
from accounts.operations.rules import grantable, refusal

__all__ = ["draw_batch", "grantable", "order", "perform", "refusal", "run", "run_due"]
