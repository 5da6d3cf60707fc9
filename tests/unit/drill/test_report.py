"""The report is one complete file without secrets."""

from __future__ import annotations

import dataclasses
import re
from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest

from hadeploy.drill.excerpt import MAX_LINES, excerpt
from hadeploy.drill.metrics import metrics_of
from hadeploy.drill.record import DrillRecord, Setting
from hadeploy.drill.report import MAX_DRAWN, report
from hadeploy.drill.round import Event, Request, Round
from hadeploy.drill.svg import svg
from hadeploy.drill.timeline import timeline
from hadeploy.drill.verdict import result_of
from hadeploy.support.redact import Redactor
from tests.unit import builders
from tests.unit.drill.captured_rounds import CLUSTER, NAMES, captured

CANARY = "cAn4ry-1"
HOSTILE = "</td><script>alert(1)</script><img src=x onerror=alert(1)>{{ 7 * 7 }}"
ADDRESSED = {"src", "href", "data", "action", "poster", "srcset", "background"}


class Page(HTMLParser):
    """The text that a browser would show, roughly."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.ids: list[str] = []
        self.addresses: list[str] = []
        self.text = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        for name, value in attrs:
            if name == "id":
                self.ids.append(value or "")
            if name in ADDRESSED:
                self.addresses.append(value or "")
            assert not name.startswith("on")

    def handle_data(self, data: str) -> None:
        self.text += data


def page_of(
    *rounds: Round,
    redactor: Redactor | None = None,
    max_outage: float | None = None,
    complete: bool = True,
) -> str:
    versions = {"n1": {"Docker": "28.2.2", "haproxy": "3.2.21"}}
    setting = Setting(CLUSTER, builders.desired(CLUSTER), versions, 1_795_486_772.0, max_outage)
    results = [result_of(round_, max_outage) for round_ in rounds]
    return report(DrillRecord(setting, redactor or Redactor([]), results, complete=complete))


def with_event(round_: Round, event: Event) -> Round:
    return dataclasses.replace(round_, events=tuple(sorted([*round_.events, event])))


def shortly_after(round_: Round, kind: str, what: str) -> Event:
    return Event(metrics_of(round_).began + 0.5, "n1", kind, what)  # type: ignore[arg-type]


def test_a_report_describes_the_trial() -> None:
    text = Page(page_of(captured("haproxy-stop"))).text
    for words in (
        "✓ Passed",
        "1 of 1 round passed.",
        "haproxy is stopped on the holder (docker stop)",
        "The VIP moved from n1 to n2 0.26 s after the start of the failure.",
        "6 of 446 requests failed",
        "Failed requests: Connection refused (6).",
        "Requests from this machine, 50 per second (requests).",
        "(hadeploy) Entering FAULT STATE",
        "Sending gratuitous ARP on eth0 for 198.51.100.100 (5 times)",
        "28.2.2",
        "frontend kube-apiserver",
        "virtual_router_id",
    ):
        assert words in text
    # A line that hadeploy's own query causes, and a timestamp that is shown already.
    assert "Printing VRRP data" not in text
    assert "Tue Nov 24" not in text


def test_it_needs_nothing_else() -> None:
    page = page_of(*map(captured, NAMES))
    parsed = Page(page)
    assert parsed.addresses == ["data:,"]
    assert not {"script", "iframe", "object", "embed", "base", "form"} & set(parsed.tags)
    assert "@import" not in page
    assert "url(" not in page
    assert len(set(parsed.ids)) == len(parsed.ids)
    assert parsed.tags.count("svg") == len(NAMES)
    assert parsed.tags.count("caption") == parsed.tags.count("table") == 2 + len(NAMES)


def test_output_of_nodes_is_not_markup() -> None:
    round_ = captured("haproxy-stop")
    round_ = with_event(round_, shortly_after(round_, "log", f"{HOSTILE}\x1b[31m\x00\u202e"))
    failed = Request(round_.requests[-1].due, round_.requests[-1].ended, f"{HOSTILE}\x07")
    round_ = dataclasses.replace(round_, requests=(*round_.requests[:-1], failed))
    page = page_of(round_)
    parsed = Page(page)
    assert not {"script", "img"} & set(parsed.tags)
    assert parsed.text.count(HOSTILE) == 2
    assert not re.search(r"[\x00-\x09\x0b-\x1f\u202e]", page)


def test_a_secret_is_nowhere() -> None:
    round_ = captured("haproxy-stop")
    for what in (f"bad auth_pass {CANARY} (oops)", f"received {CANARY}"):
        round_ = with_event(round_, shortly_after(round_, "log", what))
    error = Request(round_.requests[-1].due, round_.requests[-1].ended, f"no {CANARY}")
    round_ = dataclasses.replace(round_, requests=(*round_.requests[:-1], error))
    cluster = builders.cluster(name="kube-lb", vrrp={"password": "env:VRRP"})
    desired = builders.desired(cluster)
    conf = desired["n1"].file("keepalived/keepalived.conf")
    leaking = dataclasses.replace(conf, content=f'{conf.content}auth_pass "{CANARY}"\n')
    files = tuple(leaking if file is conf else file for file in desired["n1"].files)
    desired["n1"] = dataclasses.replace(desired["n1"], files=files)
    setting = Setting(cluster, desired, {}, 0.0, None)
    page = report(
        DrillRecord(setting, Redactor([CANARY]), [result_of(round_, None)], complete=True)
    )
    assert CANARY not in page
    assert "received (redacted)" in page
    assert "auth_pass (redacted)" in page


def test_a_failed_round_fails_the_page() -> None:
    text = Page(page_of(captured("haproxy-stop"), max_outage=0.1)).text
    assert "✗ Failed" in text
    assert "0 of 1 round passed (longest allowed outage: 0.1 s)." in text
    assert "✗ 0.19 s without an answer; the limit is 0.1 s" in text


def test_a_drill_that_was_broken_off_has_not_passed() -> None:
    text = Page(page_of(captured("haproxy-stop"), complete=False)).text
    assert "✗ Failed" in text
    assert "The drill was not completed." in text


def test_of_very_many_rounds_the_worst_are_drawn() -> None:
    rounds = [captured("haproxy-stop")] * MAX_DRAWN + [captured("haproxy-hang")]
    parsed = Page(page_of(*rounds))
    assert parsed.tags.count("svg") == MAX_DRAWN
    assert "haproxy-hang on n2" in parsed.text
    assert f"Of {len(rounds)} rounds, only the failed and the slowest are drawn." in parsed.text


def test_nodes_with_the_same_configuration_are_reported_together() -> None:
    text = Page(page_of(captured("haproxy-stop"))).text
    assert "haproxy/haproxy.cfg on n1, n2, n3" in text
    assert "keepalived/keepalived.conf on n2" in text


def test_an_excerpt_has_an_end() -> None:
    round_ = captured("haproxy-stop")
    for number in range(MAX_LINES):
        round_ = with_event(round_, shortly_after(round_, "log", f"line {number:03}"))
    shown = timeline(round_, metrics_of(round_), CLUSTER)
    lines, more = excerpt(round_, shown, metrics_of(round_).began)
    assert len(lines) == MAX_LINES
    assert more > 0
    assert f"{more} more lines are omitted." in page_of(round_)


@pytest.mark.parametrize("name", NAMES)
def test_the_picture_is_within_its_frame_and_has_a_description(name: str) -> None:
    round_ = captured(name)
    shown = timeline(round_, metrics_of(round_), CLUSTER)
    picture = ElementTree.fromstring(svg(shown, "p", "A <title>", "What & how"))
    _, _, width, height = map(float, picture.attrib["viewBox"].split())
    assert [picture[0].text, picture[1].text] == ["A <title>", "What & how"]
    assert picture.attrib["aria-labelledby"].split() == [e.attrib["id"] for e in picture[:2]]
    bars = list(picture.iter("rect"))
    assert len(bars) == sum(len(lane.spans) for group in shown.groups for lane in group.lanes)
    for bar in bars:
        place = {key: float(value) for key, value in bar.attrib.items()}
        assert place["width"] > 2
        assert 0 <= place["x"] <= place["x"] + place["width"] <= width
        assert 0 <= place["y"] <= place["y"] + place["height"] <= height
    for text in picture.iter("text"):
        assert 0 <= float(text.attrib["x"]) <= width
        assert 0 <= float(text.attrib["y"]) <= height


def test_flags_do_not_cover_each_other() -> None:
    round_ = captured("haproxy-hang")
    shown = timeline(round_, metrics_of(round_), CLUSTER)
    picture = ElementTree.fromstring(svg(shown, "p", "", ""))
    flags = [e for e in picture.iter("text") if e.attrib["class"] == "flag"]
    assert [flag.text for flag in flags[:3]] == [
        "failure",
        "detected +1.06 s",
        "taken over +1.09 s",
    ]
    assert flags[1].attrib["y"] != flags[2].attrib["y"]
