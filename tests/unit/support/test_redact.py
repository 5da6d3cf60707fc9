"""Nothing secret gets through, wherever it turns up, and the rest stays readable."""

from __future__ import annotations

import time

import pytest

from hadeploy.support.redact import Redactor, found_in

SECRET = "hunter22"

LEAKS = [
    f'        auth_pass "{SECRET}"',
    f"    stats auth admin:{SECRET}",
    f"    user ops insecure-password {SECRET}",
    f"    http-request set-header Authorization x-{SECRET}",
    f"    http-check send hdr Authorization {SECRET}",
    f"    setenv API_TOKEN {SECRET}",
    f"connecting to http://admin:{SECRET}@198.51.100.1/",
    f"Authorization: Bearer {SECRET}",
    f"db_password={SECRET} and more",
    f'"token": "{SECRET}",',
    f"sudo_password: cmd:echo {SECRET}",
    f"option httpchk GET /healthz HTTP/1.1\\r\\nAuthorization:\\ Basic\\ {SECRET}",
    f"http-request set-header Cookie session={SECRET}",
    f"http-request deny unless {{ req.hdr(authorization) -m str {SECRET} }}",
    f"http-request replace-header X-Api-Key .* {SECRET}",
    f"curl --silent -u admin:{SECRET} https://198.51.100.1/",
    f"wget --user admin --pass {SECRET} https://198.51.100.1/",
    f"passphrase {SECRET}",
    f"passphrase: {SECRET}",
    f"export AWS_SECRET_ACCESS_KEY={SECRET}",
    f"Cookie: {SECRET}",
    f"-----BEGIN RSA PRIVATE KEY-----\n{SECRET}\n-----END RSA PRIVATE KEY-----",
]


@pytest.mark.parametrize("line", LEAKS)
def test_a_secret_is_recognised_by_where_it_stands(line: str) -> None:
    assert SECRET not in Redactor([]).text(f"before\n{line}\nafter")
    assert "after" in Redactor([]).text(f"before\n{line}\nafter")


def test_a_known_secret_is_redacted_everywhere_and_a_short_one_only_as_a_word() -> None:
    redactor = Redactor([SECRET, "it", ""])
    assert redactor.text(f"x{SECRET}y, it is with its") == "x(redacted)y, (redacted) is with its"


def test_references_to_secrets_stay_but_for_commands() -> None:
    document = {"vrrp": {"password": "env:VRRP"}, "ssh": {"sudo_password": "cmd:pass show x"}}
    assert Redactor([]).document(document) == {
        "vrrp": {"password": "env:VRRP"},
        "ssh": {"sudo_password": "cmd:(redacted)"},
    }


def test_of_an_environment_the_names_stay() -> None:
    document = {"Config": {"Env": ["A=1", f"B={SECRET}=2"], "Image": "haproxy:3"}}
    assert Redactor([]).document(document) == {
        "Config": {"Env": ["A=(redacted)", "B=(redacted)"], "Image": "haproxy:3"}
    }


def test_the_secrets_of_a_configuration_are_found_with_and_without_their_user() -> None:
    found = found_in(f'stats auth admin:{SECRET}\nauth_pass "other#1"\nmaxconn 5')
    assert {f"admin:{SECRET}", SECRET, "other#1"} <= set(found)
    assert "5" not in found


@pytest.mark.parametrize(
    "text",
    [
        "a" * 24_000,
        "a://" + "b" * 24_000,
        "set-header " * 2_000,
        "set-header " + "auth" * 6_000,
        "hdr(" * 6_000,
        "curl " * 5_000,
        "password" * 3_000,
        "password" + " " * 24_000,
        "secret_" * 3_000,
        "stats" + " " * 24_000,
        "-----BEGIN PRIVATE KEY-----" * 900,
        "Bearer" + " " * 24_000,
    ],
    ids=lambda text: text[:12],
)
def test_a_long_line_takes_no_longer_than_its_length(text: str) -> None:
    """A text twice as long takes about twice as long, not four times."""

    def seconds(times: int) -> float:
        started = time.process_time()
        Redactor([]).text(text * times)
        return time.process_time() - started

    # Short times say nothing.
    assert seconds(4) < max(0.5, 8 * seconds(1))
