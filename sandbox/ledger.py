"""The record of what the sandbox took and refused."""

import asyncio
import json
import os
import queue
import threading


class Ledger:
    """One JSON line for each message request, appended to a file.

    A line is handed to the operating system before the answer leaves: it survives the
    death of the client and of the sandbox itself (not that of the machine, since
    nothing is synced). A thread does so, as a busy disk may keep it waiting for a tenth
    of a second, in which messages would arrive unseen and be dated late.
    """

    def __init__(self, path=None):
        self._fd = None
        self._lines = queue.SimpleQueue()
        self._given, self._written = 0, 0
        self._progress = threading.Condition()
        self._thread = threading.Thread(target=self._work, daemon=True)
        if path:
            self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
            self._thread.start()

    def write(self, at, phone_number_id, request, message_id, result):
        """Give one line to be appended; see :meth:`flush`.

        :param float at: arrival, seconds on the monotonic clock.
        :param dict request: keys ``to type callback_data context_id links``.
        :param str result: ``accepted``, an error code, or an HTTP status when the
            answer carried no code.
        """
        if self._fd is None:
            return
        line = json.dumps(
            {
                "at": at,
                "phone_number_id": phone_number_id,
                "to": request["to"],
                "type": request["type"],
                "message_id": message_id,
                "callback_data": request["callback_data"],
                "context_id": request["context_id"],
                "links": request["links"],
                "result": result,
            }
        )
        self._given += 1
        self._lines.put(line.encode() + b"\n")

    async def flush(self):
        """Wait until every line given so far is in the operating system's hands."""
        given = self._given
        if self._written < given:
            await asyncio.to_thread(self._wait, given)

    def close(self):
        """Write what was given, and end."""
        if self._fd is not None:
            self._lines.put(None)
            self._thread.join()
            os.close(self._fd)
            self._fd = None

    def _wait(self, given):
        with self._progress:
            self._progress.wait_for(lambda: self._written >= given)

    def _work(self):
        while line := self._lines.get():
            os.write(self._fd, line)
            with self._progress:
                self._written += 1
                self._progress.notify_all()
