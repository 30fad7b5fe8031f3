from . import (
    test_audience,
    test_counters,
    test_neutralize,
    test_rights,
    test_secrets,
    test_variables,
)
