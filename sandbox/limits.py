"""Throughput of a number and of a (number, person) pair."""

from collections import deque

WINDOW = 1.0  # seconds, Meta counts messages per second
PAIR_SECONDS = 6.0  # one message to the same person every 6 s ...
PAIR_BURST = 45  # ... after a burst that later quota repays
PRUNE_AT = 200_000


class SlidingWindow:
    """Arrivals of the last 1.000 s, and the most that any such window held."""

    def __init__(self):
        self._times = deque()
        self.peak = 0

    def count(self, now):
        """How many arrivals lie in the window that ends at ``now`` (seconds)."""
        times = self._times
        while times and times[0] <= now - WINDOW:
            times.popleft()
        return len(times)

    def add(self, now):
        self._times.append(now)
        self.peak = max(self.peak, self.count(now))


class Throughput:
    """What one number may carry per second; a refused arrival costs nothing."""

    def __init__(self):
        self.arrivals = SlidingWindow()
        self._admitted = SlidingWindow()

    def admit(self, now, limit):
        """True if one more outgoing message fits; 0 as limit means no limit."""
        self.arrivals.add(now)
        if limit and self.used(now) >= limit:
            return False
        self._admitted.add(now)
        return True

    def used(self, now):
        """Messages of the window that ends at ``now``."""
        return self._admitted.count(now)

    def add_inbound(self, now):
        """Inbound messages use up the same quota as outgoing ones."""
        self._admitted.add(now)


class PairLimit:
    """One message per 6 s and pair, with a burst of 45 that is repaid later."""

    def __init__(self):
        self._paid_until = {}

    def admit(self, pair, now):
        """True if a message of this pair fits at ``now`` (seconds)."""
        paid_until = max(self._paid_until.get(pair, now), now) + PAIR_SECONDS
        if paid_until - now > PAIR_BURST * PAIR_SECONDS:
            return False
        if len(self._paid_until) > PRUNE_AT:
            self._prune(now)
        self._paid_until[pair] = paid_until
        return True

    def _prune(self, now):
        self._paid_until = {
            pair: until for pair, until in self._paid_until.items() if until > now
        }
