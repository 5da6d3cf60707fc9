"""Messages are distinguished from noise."""

from __future__ import annotations

import pytest

from hadeploy.scripts.forms import MalformedError
from hadeploy.scripts.protocol import Message, Reply, ReplyParser, parse_line

TOKEN = "0123456789abcdef"


def test_a_message_has_a_kind_and_words() -> None:
    message = parse_line(f"@{TOKEN} step 3.proof", TOKEN)
    assert message == Message("step", ("3.proof",))


def test_a_banner_that_looks_like_a_message_is_noise() -> None:
    for line in ("Welcome to Ubuntu", "@everyone log out at noon", "@deadbeef end", "", "@"):
        assert parse_line(line, TOKEN) is None


def test_the_text_of_a_message_has_no_blank_lines_around_it() -> None:
    assert Message("failed", body=["", "a", "", "b", ""]).text == "a\n\nb"


def test_a_reply_finds_messages_by_kind() -> None:
    reply = Reply(
        (Message("file", ("a",)), Message("node", body=["x"]), Message("file", ("b",))), 0
    )
    assert [m.words[0] for m in reply.all("file")] == ["a", "b"]
    assert reply.body("node") == "x"
    assert reply.body("absent") == ""


def test_lines_below_messages_can_be_taken_as_they_come_and_are_kept_nowhere() -> None:
    taken: list[str] = []
    parser = ReplyParser(TOKEN, lambda _: None, taken.append)
    for line in ("Welcome", f"@{TOKEN} node", "a", f"@{TOKEN} heartbeat", "b", f"@{TOKEN} end"):
        parser.feed(line)
    assert taken == ["a", "b"]
    assert parser.messages == [Message("node"), Message("end")]
    assert all(message.body == [] for message in parser.messages)
    assert parser.noise == ["Welcome"], "a banner, or sudo's refusal"
    assert parser.ended


def test_an_error_has_the_end_of_the_output_but_no_secret_body() -> None:
    parser = ReplyParser(TOKEN, lambda _: None)
    for line in ("Welcome", f"@{TOKEN} node", "a", f"@{TOKEN} heartbeat", "b"):
        parser.feed(line)
    assert not parser.ended
    assert parser.tail == "Welcome\na\nb"
    for line in (f"@{TOKEN} file 0600 x", "auth_pass"):
        parser.feed(line)
    assert parser.tail == "Welcome"


def test_a_message_kind_that_no_script_emits_is_refused() -> None:
    with pytest.raises(MalformedError, match="surprise"):
        parse_line(f"@{TOKEN} surprise x", TOKEN)
