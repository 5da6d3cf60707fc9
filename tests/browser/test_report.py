"""The report of a drill in a real browser."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service

from hadeploy.drill.record import DrillRecord, Setting
from hadeploy.drill.report import report
from hadeploy.drill.verdict import result_of
from hadeploy.support.redact import Redactor
from tests.unit import builders
from tests.unit.drill.captured_rounds import CLUSTER, NAMES, captured

# What Chromium would ask the network for by itself is switched off.
ARGUMENTS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
    "--no-first-run",
)
SCHEMES = ("light", "dark")
WIDTHS = (400, 1280)
# WCAG 2.1, 1.4.3, for text of the usual size.
LEAST_CONTRAST = 4.5
# Each element's own text against what it lies on: the bar below it in a picture, else the first
# background around it.
CONTRASTS = """
const channel = v => (v /= 255) <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4;
const parse = text => text.match(/[0-9.]+/g).map(Number);
const light = ([r, g, b]) => .2126 * channel(r) + .7152 * channel(g) + .0722 * channel(b);
const opaque = colour => colour.startsWith('rgb') && (parse(colour)[3] ?? 1) > 0;
const below = element => {
  const bar = element.ownerSVGElement && element.previousElementSibling;
  if (bar && bar.tagName === 'rect' && opaque(getComputedStyle(bar).fill))
    return getComputedStyle(bar).fill;
  for (let at = element; at; at = at.parentElement)
    if (opaque(getComputedStyle(at).backgroundColor)) return getComputedStyle(at).backgroundColor;
  return 'rgb(255, 255, 255)';
};
for (const details of document.querySelectorAll('details')) details.open = true;
return [...document.querySelectorAll('body *')]
  .filter(e => [...e.childNodes].some(n => n.nodeType === 3 && n.data.trim()))
  .filter(e => !['title', 'desc'].includes(e.tagName))
  .map(e => {
    const style = getComputedStyle(e);
    const [a, b] = [e.ownerSVGElement ? style.fill : style.color, below(e)].map(parse).map(light);
    return [(Math.max(a, b) + .05) / (Math.min(a, b) + .05), e.textContent.trim().slice(0, 40)];
  });
"""
OVERFLOW = """
return document.documentElement.scrollWidth - document.documentElement.clientWidth;
"""
PICTURES = """
return [...document.querySelectorAll('svg')].map(svg => {
  const frame = svg.getBoundingClientRect();
  const outside = [...svg.querySelectorAll('text, rect')].filter(part => {
    const box = part.getBoundingClientRect();
    return box.left < frame.left - 1 || box.right > frame.right + 1
      || box.top < frame.top - 1 || box.bottom > frame.bottom + 1;
  });
  return [frame.width, frame.height, outside.map(part => part.textContent || part.outerHTML)];
});
"""


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chrome]:
    """Chromium as Debian has it."""
    options = ChromeOptions()
    options.binary_location = "/usr/bin/chromium"
    for argument in (*ARGUMENTS, f"--user-data-dir={tmp_path_factory.mktemp('chromium')}"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = Chrome(options=options, service=Service("/usr/bin/chromedriver"))
    yield driver
    driver.quit()


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The address of a page with rounds that were passed and one that was not."""
    setting = Setting(
        CLUSTER,
        builders.desired(CLUSTER),
        {node.label: {"haproxy": "3.2.21", "keepalived": "2.3.4"} for node in CLUSTER.nodes},
        1_795_486_772.0,
        2.0,
    )
    results = [result_of(captured(name), 2.0) for name in NAMES]
    path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_text(report(DrillRecord(setting, Redactor([]), results, complete=True)), "utf-8")
    return path.as_uri()


def shown(browser: Chrome, page: str, scheme: str, width: int) -> None:
    """Open the page anew in a window of that width, by day or by night."""
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
    size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    browser.get(page)


def log(browser: Chrome, kind: str) -> list[dict[str, Any]]:
    """What Chromium has logged since that was last asked."""
    entries: list[dict[str, Any]] = browser.get_log(kind)  # type: ignore[no-untyped-call]
    return entries


def requested(browser: Chrome, page: str) -> list[str]:
    """All that a page has asked for, but for what is in it."""
    messages: list[dict[str, Any]] = [
        json.loads(entry["message"])["message"] for entry in log(browser, "performance")
    ]
    addresses = [
        message["params"]["request"]["url"]
        for message in messages
        if message["method"] == "Network.requestWillBeSent"
        # Chromium's own first page asks for things of its own.
        and message["params"]["documentURL"] == page
    ]
    return [address for address in addresses if not address.startswith("data:")]


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("width", WIDTHS)
def test_it_is_read_by_day_and_by_night_on_any_screen(
    browser: Chrome, page: str, scheme: str, width: int
) -> None:
    shown(browser, page, scheme, width)
    assert requested(browser, page) == [page]
    assert log(browser, "browser") == []
    assert browser.title == "Failover drill: kube-lb"
    # Wide things are scrolled by themselves, not the page.
    assert browser.execute_script(OVERFLOW) <= 0
    pictures = browser.execute_script(PICTURES)
    assert len(pictures) == len(NAMES)
    for across, down, outside in pictures:
        assert across >= min(width, 700) - 48
        assert down > 150
        assert outside == []
    contrasts = browser.execute_script(CONTRASTS)
    assert len(contrasts) > 100
    assert [text for ratio, text in contrasts if ratio < LEAST_CONTRAST] == []
    background = browser.execute_script("return getComputedStyle(document.body).backgroundColor")
    assert (background == "rgb(255, 255, 255)") == (scheme == "light")


def test_it_is_printed_dark_on_light_with_what_is_folded_up(browser: Chrome, page: str) -> None:
    shown(browser, page, "dark", 1280)
    browser.execute_cdp_cmd(
        "Emulation.setEmulatedMedia",
        {"media": "print", "features": [{"name": "prefers-color-scheme", "value": "dark"}]},
    )
    background = browser.execute_script("return getComputedStyle(document.body).backgroundColor")
    assert background == "rgb(255, 255, 255)"
    folded = browser.execute_script(
        "return [...document.querySelectorAll('details pre')].map(e => e.clientHeight)"
    )
    assert len(folded) == 4
    assert min(folded) > 100
    printed = browser.execute_cdp_cmd("Page.printToPDF", {"paperWidth": 8.27, "paperHeight": 11.69})
    assert base64.b64decode(printed["data"]).startswith(b"%PDF-")


def test_the_sample_in_the_docs_is_such_a_page(browser: Chrome) -> None:
    sample = (Path(__file__).parents[2] / "docs" / "drill-report.html").as_uri()
    shown(browser, sample, "light", 1280)
    assert requested(browser, sample) == [sample]
    assert log(browser, "browser") == []
    assert browser.execute_script(PICTURES)
