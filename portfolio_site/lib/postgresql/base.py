"""The database engine of the settings: Django's, with kept connections that are looked at rather than asked."""

import select

from django.db.backends.postgresql import base


class DatabaseWrapper(base.DatabaseWrapper):
    def is_usable(self) -> bool:
        """Whether the kept connection still stands, which Django wants to know once before each request.

        A server that ends a connection says so, or the kernel does for it: where nothing lies there to be read, nothing
        has happened, and a question and its answer are saved. Else it is asked, as always.
        """
        if self.connection is None or self.connection.closed:
            return False
        return not _has_something_to_read(self.connection.fileno()) or super().is_usable()


def _has_something_to_read(descriptor: int) -> bool:
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(0))
