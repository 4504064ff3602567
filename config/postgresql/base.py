"""Django's backend for PostgreSQL, for which a page waits a limited time.

The server is told the limits of a statement and of a lock, and ends what takes longer. One that is
frozen ends nothing, so the limit of a statement is kept on this side as well, a little later; and
after a failure to connect nobody waits for another one for a few seconds.

``settings_dict["STATEMENT_SECONDS"]`` switches it on. config/wsgi.py sets it: commands such as
migrate may take their time.
"""

from collections.abc import Generator
from types import SimpleNamespace
from typing import Any

import psycopg
from django.db.backends.postgresql import base
from psycopg.pq import TransactionStatus

from accounts.breaker import Breaker

# For a row or table that somebody else has locked.
_LOCK_SECONDS = 2
# For an answer that takes no work, and between the limit of the server and ours.
_MOMENT = 1.0
_PAUSE = 5.0


class Connection(psycopg.Connection[Any]):
    """Waits for the server for ``patience`` seconds, where there is such a limit."""

    patience: float | None = None

    def wait(
        self, gen: Generator[Any, Any, Any], interval: float = 0.1, timeout: float | None = None
    ) -> Any:
        """Wait for an answer, no longer than ``patience``. Raises psycopg.OperationalError."""
        try:
            return super().wait(gen, interval, timeout or self.patience)
        except psycopg.OperationalError:
            if self.pgconn.transaction_status == TransactionStatus.ACTIVE:
                # The answer may still come, so this connection cannot be used again.
                self.pgconn.finish()
            raise


class DatabaseWrapper(base.DatabaseWrapper):
    """Django's wrapper, with the limits of this module."""

    # Django calls Database.connect, and takes the driver's errors from here as well.
    Database = SimpleNamespace(  # type: ignore[assignment]
        **{**vars(psycopg), "connect": Connection.connect}
    )

    # Shared by all threads of the process: they connect to the same server.
    _breaker = Breaker(_PAUSE)

    @property
    def _limit(self) -> float | None:
        seconds = self.settings_dict.get("STATEMENT_SECONDS")
        return float(seconds) if seconds else None

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        """Connect, or fail at once for a few seconds after a failure."""
        if self._limit is None:
            return super().get_new_connection(conn_params)
        if not self._breaker.may_ask():
            raise psycopg.OperationalError("The database did not answer a moment ago")
        try:
            connection = super().get_new_connection(conn_params)
        except psycopg.OperationalError:
            self._breaker.failed()
            raise
        self._breaker.answered()
        connection.patience = self._limit + _MOMENT
        return connection

    def init_connection_state(self) -> None:
        """Tell the server the limits of statements and locks."""
        super().init_connection_state()
        if self._limit is None:
            return
        with self.connection.cursor() as cursor:
            # Not as options of the connection, which poolers and RDS Proxy refuse.
            cursor.execute(
                "SELECT set_config('statement_timeout', %s, false),"
                " set_config('lock_timeout', %s, false),"
                " set_config('idle_in_transaction_session_timeout', %s, false)",
                [f"{int(self._limit * 1000)}", f"{_LOCK_SECONDS}s", "60s"],
            )

    def is_usable(self) -> bool:
        """Ask the server whether it is there and takes writes, for a second at most.

        After a failover, a connection may be left to the server that others have taken over from.
        """
        if self.connection is None or self._limit is None:
            return super().is_usable()
        kept, self.connection.patience = self.connection.patience, _MOMENT
        try:
            # As many round trips as Django's "SELECT 1".
            with self.connection.cursor() as cursor:
                row = cursor.execute("SHOW transaction_read_only").fetchone()
        except psycopg.Error:
            return False
        finally:
            self.connection.patience = kept
        if is_well := bool(row and row[0] == "off"):
            # Other threads need not wait for the end of a pause to connect.
            self._breaker.answered()
        return is_well
