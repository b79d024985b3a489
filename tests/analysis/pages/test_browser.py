"""The report in a browser: tables sort, parts unfold, paper has all of them, and nothing is asked of another host."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from analysis.__main__ import questions
from analysis.pages.command import write_report
from tests.analysis.pages.test_report import answered

pytestmark = pytest.mark.browser
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update", "--window-size=1200,900",
)  # fmt: skip


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A browser that shows the report; `get_log("browser")` has what its console says."""
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    folder = tmp_path_factory.mktemp("browser")
    answered(folder / "runs")
    (page,) = write_report(folder / "runs", questions(), pdf=False)
    options = webdriver.ChromeOptions()
    options.binary_location = "/usr/bin/chromium"
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    for flag in (*FLAGS, f"--user-data-dir={folder / 'profile'}"):
        options.add_argument(flag)
    driver = webdriver.Chrome(options=options, service=Service("/usr/bin/chromedriver"))
    driver.get(page.as_uri())
    yield driver
    driver.quit()


def column(browser: Any, table: str, number: int) -> list[str]:
    found = browser.find_elements("css selector", f"{table} tbody tr > :nth-child({number})")
    return [cell.text for cell in found]


def test_a_heading_sorts_its_table_both_ways_by_number(browser: Any) -> None:
    table = "#transfer_sizes > .wide > table"
    heads = browser.find_elements("css selector", f"{table} thead button")
    sizes = next(i for i, head in enumerate(heads, 1) if head.text == "train size")
    heads[sizes - 1].click()
    rising = [int(text.replace(",", "")) for text in column(browser, table, sizes)]
    assert rising == sorted(rising)
    heads[sizes - 1].send_keys("\n")  # by keyboard
    falling = [int(text.replace(",", "")) for text in column(browser, table, sizes)]
    assert falling == sorted(rising, reverse=True)
    head = browser.find_elements("css selector", f"{table} thead th")[sizes - 1]
    assert head.get_attribute("aria-sort") == "descending"


def test_parts_unfold_and_paper_has_all_of_them(browser: Any) -> None:
    part = browser.find_element("css selector", "#transfer_sizes details")
    table = part.find_element("css selector", "table")
    assert not table.is_displayed()
    part.find_element("css selector", "summary").click()
    assert table.is_displayed()
    count = "return document.querySelectorAll('details:not([open])').length"
    assert browser.execute_script(count) > 0
    browser.execute_script("dispatchEvent(new Event('beforeprint'))")
    assert browser.execute_script(count) == 0
    browser.execute_script("dispatchEvent(new Event('afterprint'))")
    assert browser.execute_script(count) > 0


def test_on_a_phone_only_tables_are_wider_than_the_screen(browser: Any) -> None:
    browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride", {"width": 390, "height": 800, "deviceScaleFactor": 2, "mobile": True}
    )
    assert browser.execute_script("return document.documentElement.scrollWidth") <= 390
    browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_it_asks_no_host_for_anything_and_the_console_is_silent(browser: Any, tmp_path: Path) -> None:
    assert [line["message"] for line in browser.get_log("browser")] == []
    asked = [
        line["message"] for line in browser.get_log("performance") if "Network.requestWillBeSent" in line["message"]
    ]
    assert not [message for message in asked if '"url":"http' in message]
