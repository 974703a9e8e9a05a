"""The first day of a provider, in a real browser, on the real platform: from the one-time link to the statement.

With CLEARLINE_SCREENSHOTS=DIRECTORY the pages seen on the way are kept there; `docs/screenshots/` came from it.
"""

import os
import re
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright
from tests.voice import captures

ROOT = Path(__file__).parents[2]
CHROMIUM = shutil.which("chromium")
WIDE = {"width": 1280, "height": 900}
PHONE = {"width": 375, "height": 812}
PASSWORD = "correct horse battery"
SCREENSHOTS = os.environ.get("CLEARLINE_SCREENSHOTS")

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="Debian's chromium is not installed"),
    pytest.mark.xdist_group("browser"),
]


def free_port(kind: socket.SocketKind) -> int:
    with socket.socket(socket.AF_INET, kind) as trial:
        trial.bind(("127.0.0.1", 0))
        port: int = trial.getsockname()[1]
        return port


class Platform:
    """`./clearline up` with data of its own."""

    def __init__(self, data: Path) -> None:
        self.env = os.environ | {"CLEARLINE_DATA": str(data), "CLEARLINE_PROBE_INTERVAL_SECONDS": "2"}
        web, reflector = free_port(socket.SOCK_STREAM), free_port(socket.SOCK_DGRAM)
        listen = ["--listen", f"127.0.0.1:{web}", "--reflector", f"127.0.0.1:{reflector}"]
        self.url = f"http://127.0.0.1:{web}"
        self.log = data / "up.txt"
        with self.log.open("w") as said:
            self.process = subprocess.Popen([ROOT / "clearline", "up", *listen], env=self.env, stdout=said, stderr=said)

    def sign_in_link(self) -> str:
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline and self.process.poll() is None:
            found = re.search(r"http://\S+/welcome/\S+", self.log.read_text())
            if found and "is up at" in self.log.read_text():
                return found.group()
            time.sleep(0.2)
        raise AssertionError(self.log.read_text())

    def command(self, *words: str) -> None:
        subprocess.run([ROOT / "clearline", *words], env=self.env, check=True, capture_output=True)

    def end(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(timeout=20)


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    started = Platform(tmp_path_factory.mktemp("var"))
    started.sign_in_link()
    yield started
    started.end()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield started
        started.close()


def keep(page: Page, name: str) -> None:
    """Keep what the page looks like, wide and on a phone, and hold the phone's page to its width."""
    page.set_viewport_size(PHONE)
    page.wait_for_timeout(150)
    overflow = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert overflow <= 0, f"{name}: the page is {overflow} px wider than a phone"
    if SCREENSHOTS:
        page.screenshot(path=f"{SCREENSHOTS}/{name}-phone.png", full_page=True)
    page.set_viewport_size(WIDE)
    if SCREENSHOTS:
        page.wait_for_timeout(300)
        page.screenshot(path=f"{SCREENSHOTS}/{name}.png", full_page=True)


def capture_of_now() -> bytes:
    """A call of ten seconds that began a minute ago, with every twentieth packet lost one way."""
    shift_us = time.time_ns() // 1000 - 60_000_000 - captures.START_US
    heard = [record for number, record in enumerate(captures.speech()) if number % 20]
    back = captures.speech(source=captures.BOB_AUDIO, destination=captures.ALICE_AUDIO, ssrc=0x5678)
    records = captures.in_time([*captures.call(), *heard, *back])
    return captures.pcap([(at_us + shift_us, frame) for at_us, frame in records])


def test_the_first_day(platform: Platform, browser: Browser, tmp_path: Path) -> None:
    context = browser.new_context(viewport=WIDE, timezone_id="Europe/Berlin", locale="en-GB")
    page = context.new_page()
    page.set_default_timeout(10_000)
    problems: list[str] = []
    page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on(
        "request", lambda request: problems.append(request.url) if not request.url.startswith(platform.url) else None
    )

    first_sign_in(page, platform)
    add_customer_and_service(page)
    upload_capture(page, tmp_path)
    answer_a_request(page)
    read_the_statement(page)
    see_an_outage_open_and_end(page, platform)
    look_around(page)
    assert problems == []
    context.close()


def first_sign_in(page: Page, platform: Platform) -> None:
    page.goto(platform.sign_in_link())
    keep(page, "welcome")
    page.get_by_label("Name of your company").fill("Northwind Telecom")
    page.get_by_label("Your e-mail address").fill("alice@northwind.example")
    page.get_by_label("A password").fill(PASSWORD)
    page.get_by_role("button", name="Set up Clearline").click()
    expect(page.get_by_role("heading", name="Dashboard")).to_be_visible()
    expect(page.locator(".state-up").first).to_be_visible(timeout=60_000)
    expect(page.locator(".plot canvas").first).to_be_visible()
    page.wait_for_timeout(6_000 if SCREENSHOTS else 0)
    keep(page, "dashboard-first")


def add_customer_and_service(page: Page) -> None:
    page.get_by_role("link", name="Add a customer").click()
    page.get_by_label("Name").fill("Acme Ltd")
    page.get_by_label("Contact's e-mail address").fill("it@acme.example")
    page.get_by_role("button", name="Add").click()
    page.get_by_role("link", name="Add a service", exact=True).click()
    page.get_by_label("Name").fill("Hosted voice")
    page.get_by_label("Monthly fee").fill("1000.00")
    page.get_by_label("Built-in reflector").check()
    keep(page, "service-add")
    page.get_by_role("button", name="Add").click()
    expect(page.get_by_role("heading", name="Hosted voice")).to_be_visible()
    keep(page, "service")


def upload_capture(page: Page, folder: Path) -> None:
    file = folder / "acme-office.pcap"
    file.write_bytes(capture_of_now())
    page.get_by_role("link", name="Upload a capture").click()
    page.get_by_label("Capture").set_input_files(file)
    page.get_by_role("button", name="Upload and analyse").click()
    expect(page.get_by_text("1 call, 1 measured")).to_be_visible(timeout=30_000)
    keep(page, "capture")
    page.locator("tbody a").first.click()
    expect(page.get_by_role("heading", name="Streams")).to_be_visible()
    keep(page, "call")
    page.goto(page.url.split("/calls/")[0] + "/calls/")
    keep(page, "calls")


def answer_a_request(page: Page) -> None:
    page.get_by_role("link", name="Desk").click()
    page.get_by_role("link", name="Record a request").first.click()
    page.get_by_label("Subject").fill("Calls drop after ten seconds")
    received = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(time.time() - 5 * 3600 - 600))
    page.get_by_label("Received (UTC)").fill(received)
    page.get_by_role("button", name="Record").click()
    page.get_by_label("Text").fill("We found the cause and are changing the timer.")
    page.get_by_role("button", name="Record it").click()
    expect(page.get_by_text(re.compile(r"answered 1 h 10 min( \d+ s)? late"))).to_be_visible()
    keep(page, "request")


def read_the_statement(page: Page) -> None:
    page.get_by_role("link", name="Statements").click()
    keep(page, "statements")
    page.locator("main a.btn-primary").first.click()
    expect(page.get_by_role("heading", name=re.compile("Statement for"))).to_be_visible()
    expect(page.get_by_text(re.compile(r"1 h 10 min( \d+ s)? late: 2 steps"))).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("link", name="Statement (JSON)").click()
    assert '"clearline/statement/1"' in download.value.path().read_text()
    keep(page, "statement")


def see_an_outage_open_and_end(page: Page, platform: Platform) -> None:
    platform.command("stop", "reflector")
    page.get_by_role("link", name="Dashboard").click()
    expect(page.locator(".state-down").first).to_be_visible(timeout=30_000)
    keep(page, "dashboard-outage")
    platform.command("start", "reflector")
    expect(page.locator(".state-down")).to_have_count(0, timeout=30_000)
    page.get_by_role("link", name="Availability").click()
    expect(page.locator("tbody").nth(1).get_by_text("Built-in reflector")).to_be_visible()
    keep(page, "availability")
    page.get_by_role("link", name="Built-in reflector").first.click()
    expect(page.locator(".plot canvas").first).to_be_visible()
    keep(page, "target")


def look_around(page: Page) -> None:
    for link in ("Maintenance", "Customers", "Agreements", "Status page", "Deliveries", "People", "Audit trail"):
        page.get_by_role("link", name=link, exact=True).first.click()
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        keep(page, link.split()[0].lower())
    page.get_by_role("link", name="Agreements", exact=True).first.click()
    page.get_by_role("link", name="2022-05-05").click()
    keep(page, "agreement")
    page.get_by_role("button", name="Light or dark").click()
    page.get_by_role("link", name="Dashboard").click()
    expect(page.locator("html")).to_have_attribute("data-bs-theme", "dark")
    keep(page, "dashboard-dark")


def test_the_keyboard_reaches_the_content_first(platform: Platform, browser: Browser) -> None:
    page = browser.new_page()
    page.goto(platform.url + "/sign-in/")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    page.close()
