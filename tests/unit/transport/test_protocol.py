"""Messages are told apart from noise."""

from __future__ import annotations

from hadeploy.transport.protocol import Message, Reply, parse_line

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
