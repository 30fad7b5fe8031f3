"""Meta's errors: what each is about, what it proves, and what is not shown."""

import json

import pytest
from providers import ErrorClass, Outcome, Response
from providers.meta_errors import CODES, DOUBTFUL, MESSAGE_LENGTH, from_webhook, redact


def refusal(meta, status=400, **error):
    body = json.dumps({"error": error}).encode()
    return meta.parse_send(Response(status, body))


@pytest.mark.parametrize("code", sorted(DOUBTFUL))
@pytest.mark.parametrize("status", [200, 400, 500, 503])
def test_doubtful_codes_prove_nothing_in_an_answer(meta, code, status):
    result = refusal(meta, status, code=code, message="Service unavailable")
    assert result.outcome is Outcome.UNKNOWN
    assert (result.error.code, result.error.error_class) == (
        str(code),
        ErrorClass.DOUBT,
    )


@pytest.mark.parametrize("code", sorted(DOUBTFUL))
def test_doubtful_codes_are_retried_once_the_message_surely_failed(code):
    assert from_webhook({"code": code}).error_class is ErrorClass.RETRY


@pytest.mark.parametrize(
    ("error_class", "codes"),
    {
        ErrorClass.THROTTLE: (4, 17, 341, 613, 80007, 80008, 130429),
        ErrorClass.RETRY: (131057, 2494100, 132069, 134101),
        ErrorClass.PAIR: (131056,),
        ErrorClass.LATER: (131049,),
        ErrorClass.OPT_OUT: (131050,),
        ErrorClass.CREDENTIALS: (0, 3, 10, 102, 104, 190, 200, 299, 131005),
        ErrorClass.ACCOUNT: (368, 131031, 131042, 131064),
        ErrorClass.NUMBER: (33, 131037, 131045, 131048, 133010, 133015),
        ErrorClass.TEMPLATE: (132000, 132001, 132007, 132012, 132015, 132016),
        ErrorClass.RECIPIENT: (130472, 131021, 131047, 132005, 137000),
        ErrorClass.REQUEST: (100, 131008, 131009, 131051, 131053, 132018, 2388024),
    }.items(),
)
def test_known_codes_prove_refusal_whatever_the_status(meta, error_class, codes):
    for code in codes:
        for status in (200, 400, 429, 500):
            result = refusal(meta, status, code=code)
            assert result.outcome is Outcome.REFUSED, code
            assert result.error.error_class is error_class, code
        assert from_webhook({"code": code}).error_class is error_class, code


def test_no_code_is_in_both_tables():
    assert not DOUBTFUL & set(CODES)
    assert ErrorClass.DOUBT not in CODES.values()


@pytest.mark.parametrize(
    ("status", "transient", "outcome"),
    [
        (400, False, Outcome.REFUSED),
        (404, None, Outcome.REFUSED),
        (400, True, Outcome.UNKNOWN),
        (500, False, Outcome.UNKNOWN),
        (200, False, Outcome.UNKNOWN),
    ],
)
def test_unknown_code(meta, status, transient, outcome):
    result = refusal(meta, status, code=987654, is_transient=transient)
    assert result.outcome is outcome


def test_unknown_code_of_a_failed_message():
    assert from_webhook({"code": 987654}).error_class is ErrorClass.REQUEST
    assert from_webhook({}).error_class is ErrorClass.REQUEST


def test_wrong_proof_is_about_the_credentials(meta):
    message = "Invalid appsecret_proof provided in the API argument"
    error = refusal(meta, code=100, message=message).error
    assert error.error_class is ErrorClass.CREDENTIALS


def test_a_number_that_does_not_exist_is_about_the_number(meta):
    message = "Unsupported post request. Object with ID '1' does not exist"
    error = refusal(meta, code=100, error_subcode=33, message=message).error
    assert error.error_class is ErrorClass.NUMBER


def test_code_as_a_string(meta):
    assert refusal(meta, code="190").error.error_class is ErrorClass.CREDENTIALS


@pytest.mark.parametrize(
    ("error", "message"),
    [
        ({"message": "a", "error_data": {"details": "b"}}, "a – b"),
        ({"message": "a", "error_data": "b"}, "a – b"),
        ({"message": "a", "error_data": {"details": "a"}}, "a"),
        ({"title": "a", "details": "b"}, "a – b"),
        ({"title": "a", "message": "b"}, "b"),
        ({"message": "a", "error_user_title": "b", "error_user_msg": "c"}, "a – b – c"),
        ({"error_data": None}, ""),
    ],
)
def test_message(error, message):
    assert from_webhook(error).message == message


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        ("to +16505550123 failed", "to *** failed"),
        ("to 1650 555-0123 failed", "to *** failed"),
        ("to US.13491208655302741918", "to US.***"),
        ("(#131056) Pair rate limit hit", "(#131056) Pair rate limit hit"),
        ("template 2 of 1024", "template 2 of 1024"),
        ("token EAAGm0PX4ZCpsBAabc expired", "token *** expired"),
        ("wamid.HBgLMTY1MDU1NTAxMjMVAgA= unknown", "*** unknown"),
    ],
)
def test_redaction(message, shown):
    assert redact(message) == shown


def test_credentials_are_masked_also_in_the_proof(meta):
    proof = meta._proof["appsecret_proof"]
    error = refusal(meta, code=190, message=f"bad sssecret {proof} vvverify").error
    assert error.message == "bad *** *** ***"


def test_message_is_cut_after_it_was_masked():
    assert len(redact("a" * 5000)) == MESSAGE_LENGTH
    cut = redact("a" * (MESSAGE_LENGTH - 4) + " 16505550123")
    assert "1650" not in cut
