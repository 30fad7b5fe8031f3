"""The one clock that all hosts share."""

#: Naive UTC. Never a host's clock, so that hosts with wrong clocks agree.
NOW = "(clock_timestamp() AT TIME ZONE 'UTC')"

#: As the columns hold it; ``CLOCK`` tells seconds.
MOMENT = f"SELECT {NOW}"
