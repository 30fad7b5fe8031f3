from . import (
    test_audience,
    test_companies,
    test_connect,
    test_counters,
    test_json2,
    test_merge,
    test_neutralize,
    test_rights,
    test_secrets,
    test_states,
    test_tours,
    test_variables,
)
