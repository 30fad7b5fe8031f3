"""The record of what the sandbox took and refused."""

import json
import os


class Ledger:
    """One JSON line for each message request, appended to a file.

    A line is handed to the operating system in one ``write`` before the answer
    leaves: it survives the death of the client and of the sandbox itself (not that
    of the machine, since nothing is synced).
    """

    def __init__(self, path=None):
        self._fd = None
        if path:
            self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)

    def write(self, at, phone_number_id, request, message_id, result):
        """Append one line.

        :param float at: arrival, seconds on the monotonic clock.
        :param dict request: keys ``to``, ``type``, ``callback_data``.
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
                "result": result,
            }
        )
        os.write(self._fd, line.encode() + b"\n")

    def close(self):
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None
