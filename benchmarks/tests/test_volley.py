"""What is posted is a request that any server understands."""

from benchmarks.volley import is_complete, request


def test_a_request_is_complete():
    content = request("http://127.0.0.1:80/hook/x", b"body", X_Hub_Signature_256="s")
    head, _, body = content.partition(b"\r\n\r\n")
    first, *headers = head.decode().split("\r\n")
    assert first == "POST /hook/x HTTP/1.1"
    assert body == b"body"
    assert {"Host: 127.0.0.1:80", "Content-Length: 4", "X-Hub-Signature-256: s"} < {
        *headers
    }


def test_an_answer_is_complete_with_its_last_byte():
    answer = b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok"
    assert is_complete(answer)
    assert not any(is_complete(answer[:end]) for end in range(len(answer)))
