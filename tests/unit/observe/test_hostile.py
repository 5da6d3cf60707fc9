"""Every answer is an observation or an error that names the node, and noise is no state."""

from __future__ import annotations

import contextlib

from hypothesis import given
from hypothesis import strategies as st

from hadeploy.answers.answer import Answer
from hadeploy.errors import HadeployError
from hadeploy.observe.gather import read_observation
from hadeploy.observe.observed_node import ObservedNode
from hadeploy.scripts.forms import MalformedError
from tests.unit.adopt.classic_nodes import captured, reply
from tests.unit.examples import examples

REAL = captured("multicast-n1").split("\n")
# Few examples a run: the suite is to stay quick, and many runs make many examples.
QUICK = examples(20)

noise = st.text(max_size=40) | st.sampled_from(
    [
        *("@tok", "@tok ", "@tok node", "@tok vrrp x y", "@tok vip-answer a b c", "@tok check-age"),
        *("[{}]", "{}", "[[", "=", "now=x", "State = MASTER", "0" * 5000, "nan", "\x00", "a=b=c"),
        *("[" * 3000, "LISTEN 0 1 a:b c:d", '[{"Id": 1}]', "@tok image", "@tok file 600", "1,2,3"),
    ]
)


def survives(lines: list[str]) -> ObservedNode | None:
    # The session makes an error of a malformed message that names the node.
    with contextlib.suppress(HadeployError, MalformedError):
        return read_observation("n1", reply("\n".join(lines)))
    return None


@QUICK
@given(st.lists(noise, max_size=12))
def test_noise_alone_is_no_state(lines: list[str]) -> None:
    reported = survives([line for line in lines if not line.startswith("@tok")])
    assert reported is not None
    assert (reported.containers, reported.addresses, reported.vrrp, reported.docker) == (
        (),
        (),
        None,
        None,
    )


@QUICK
@given(st.data())
def test_a_real_answer_with_noise_in_it(data: st.DataObject) -> None:
    lines = list(REAL)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(lines)))
        lines[at : at + data.draw(st.integers(0, 3))] = data.draw(st.lists(noise, max_size=2))
    survives(lines)


@QUICK
@given(st.integers(0, len("\n".join(REAL))), noise)
def test_a_real_answer_that_is_cut_off_or_overwritten(at: int, piece: str) -> None:
    text = "\n".join(REAL)
    survives(text[:at].split("\n"))
    survives((text[:at] + piece + text[at + len(piece) :]).split("\n"))


@QUICK
@given(st.lists(noise, max_size=5))
def test_a_banner_changes_nothing(banner: list[str]) -> None:
    lines = [line for text in banner for line in text.split("\n") if not line.startswith("@tok")]
    assert survives([*lines, *REAL]) == survives(REAL)


def test_what_a_client_is_answered_is_read_and_noise_is_no_answer() -> None:
    reported = [
        "@tok vip-answer 192.0.2.1 1 tls",
        "@tok vip-answer 192.0.2.1 2 yes",
        "@tok vip-answer 1 2",
    ]
    look = survives([*reported, *REAL])
    assert look is not None
    assert look.vip_answers[("192.0.2.1", 1)] == Answer("tls")
    assert ("192.0.2.1", 2) not in look.vip_answers
