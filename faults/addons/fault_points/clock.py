"""A clock on the wall that is wrong, for all code of this process.

Timers (``time.monotonic``) and the database's clock stay right, as they do on such a
host. PostgreSQL is another process, and time-machine replaces only what reads the wall
clock, in the interpreter itself: also for modules that imported it by name before.
"""

import itertools
import os
import threading
import time
from datetime import timedelta

import time_machine


def go_wrong(ahead, jump):
    """Set the clock of this process, and of all that it forks, ``ahead`` in seconds.

    :param float jump: seconds by which it jumps besides, to and fro, each second; 0 for
        never. Only in what this process forks: Odoo's master would kill workers whose
        last word seems to be hours old.
    """
    traveller = time_machine.travel(timedelta(seconds=ahead)).start()
    if jump:
        os.register_at_fork(after_in_child=lambda: _start_jumping(traveller, jump))


def _start_jumping(traveller, jump):
    threading.Thread(target=_jump, args=(traveller, jump), daemon=True).start()


def _jump(traveller, jump):
    for turn in itertools.count():
        traveller.shift(-jump if turn % 2 else jump)
        time.sleep(1)
