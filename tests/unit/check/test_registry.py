"""The check's verdict for each answer of a registry."""

from __future__ import annotations

import pytest

from hadeploy.check.registry import parse_asked
from hadeploy.verify.proof import Verdict

IMAGE = "r.example:5000/team/haproxy:3"
# GET /distribution/…/json of Docker 20.10.24, and curl's last line; the digest shortened.
THERE = """{"Descriptor":{"mediaType":"application/vnd.docker.distribution.manifest.v2+json",
"digest":"sha256:1c","size":428},"Platforms":[{"architecture":"amd64","os":"linux"}]}

200"""
REFUSED = '{"message":"unauthorized: authentication required"}\n\n401'
WANTS_LOGIN = (
    '{"message":"Head \\"http://r.example:5000/v2/team/haproxy/manifests/3\\": no basic auth '
    'credentials"}\n\n500'
)
CLOSED = (
    '{"message":"Get \\"http://r.example:5000/v2/\\": dial tcp 198.51.100.9:5000: connect: '
    'connection refused"}\n\n500'
)
CASES: list[tuple[str, bool, Verdict, str]] = [
    (THERE, True, "pass", "r.example:5000 has it"),
    (THERE.replace("amd64", "arm64"), True, "fail", "is for arm64, but the node is amd64"),
    (REFUSED, True, "fail", "cannot be pulled: unauthorized"),
    (REFUSED, False, "warn", "cannot be pulled: unauthorized"),
    (WANTS_LOGIN, False, "warn", "no basic auth credentials"),
    (CLOSED, False, "fail", "connection refused"),
    ('{"message":"manifest unknown: manifest unknown"}\n\n404', True, "fail", "manifest unknown"),
    ("curl: (28) Operation timed out\n000", True, "fail", "Operation timed out"),
    ("", True, "fail", "no answer"),
    ("[]\n500", True, "fail", "no answer"),
]


@pytest.mark.parametrize(("text", "login", "verdict", "said"), CASES)
def test_the_answer_is_judged(text: str, login: bool, verdict: Verdict, said: str) -> None:
    found, message, fix = parse_asked(text, login=login).judged(IMAGE, "amd64")
    assert (found, said in message) == (verdict, True), message
    assert bool(fix) is (verdict != "pass")


@pytest.mark.parametrize("platforms", ["null", "7", "[7]", "[{}]"])
def test_an_image_without_platforms_is_accepted(platforms: str) -> None:
    asked = parse_asked(f'{{"Platforms":{platforms}}}\n200', login=False)
    assert asked.judged(IMAGE, "amd64")[0] == "pass"
