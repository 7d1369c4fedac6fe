"""What Lighthouse says of the pages, how many requests they take and how much they weigh. Run by hand:

    python -m tests.benchmarks.pages --write docs/benchmarks.md

Needs a Chromium, npm for Lighthouse, and `pip install django-unfold` for the comparison with Unfold. It starts servers
of its own, with the example conversations; all else should leave the machine alone meanwhile.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import date
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import requests
from playwright.sync_api import sync_playwright

from tests.benchmarks.report import table
from tests.checkouts import ROOT

CHROMIUM = os.environ.get("CONVADMIN_CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-sync"]
TRIES = 4
PORT, SANDBOX_PORT, PLAIN_PORT, UNFOLD_PORT, DEBUGGING_PORT = 8320, 8321, 8322, 8323, 8324
PASSWORD = "a password for measuring"
OWN = {
    "overview": "/",
    "list": "/conversations/?q=-state%3Aremoved",
    "conversation": "/conversations/196/",
    "new conversation": "/conversations/new/",
    "credentials": "/credentials/",
    "jobs": "/jobs/",
    "our admin's list": "/admin/conversations/conversation/",
}
ADMIN_LIST = "/admin/conversations/conversation/"


@contextmanager
def server(port: int, environment: dict[str, str], *command: str) -> Iterator[None]:
    """A process that serves on this port."""
    process = subprocess.Popen([sys.executable, *command], env=environment, cwd=ROOT)
    try:
        while process.poll() is None and not _responds(port):
            time.sleep(0.5)
        yield
    finally:
        process.terminate()
        process.wait(20)


def _responds(port: int) -> bool:
    try:
        return requests.get(f"http://127.0.0.1:{port}/healthz", timeout=5).ok
    except requests.RequestException:
        return False


@contextmanager
def servers(folder: Path) -> Iterator[dict[str, str]]:
    """Convadmin with its examples, and over its database plain admins; the base URL of each by its name."""
    own = {
        **os.environ,
        "DATABASE_URL": f"sqlite:///{folder}/pages.sqlite3",
        "PORT": str(PORT),
        "SANDBOX_PORT": str(SANDBOX_PORT),
        "ADMIN_PASSWORD": PASSWORD,
        "SECRET_KEY": "measuring-only-" + "x" * 50,
        "CREDENTIAL_KEYS": "A" * 43 + "=",
        "CREDENTIAL_HOSTS": "api.openai.com,127.0.0.1",
        "ALLOWED_HOSTS": "127.0.0.1",
        "HTTPS": "off",
    }
    own.pop("DJANGO_SETTINGS_MODULE", None)
    kinds = {"Django’s admin": (PLAIN_PORT, "")}
    if find_spec("unfold"):
        kinds["admin with Unfold"] = (UNFOLD_PORT, "yes")
    with ExitStack() as stack:
        stack.enter_context(server(PORT, own, "manage.py", "run"))
        urls = {"Convadmin": f"http://127.0.0.1:{PORT}"}
        for name, (port, unfold) in kinds.items():
            static = folder / f"static-{port}"
            more = {"DJANGO_SETTINGS_MODULE": "tests.benchmarks.plain_admin_settings", "PLAIN_STATIC_ROOT": str(static)}
            environment = {**own, **more, "WITH_UNFOLD": unfold}
            subprocess.run(
                [sys.executable, "manage.py", "collectstatic", "--noinput", "-v0"],
                env=environment,
                cwd=ROOT,
                check=True,
            )
            gunicorn = ["-m", "gunicorn", "convadmin.wsgi", "--threads", "4", "--bind", f"127.0.0.1:{port}"]
            stack.enter_context(server(port, environment, *gunicorn))
            urls[name] = f"http://127.0.0.1:{port}"
        yield urls


def lighthouse(folder: Path, url: str, preset: str) -> dict[str, Any]:
    """One run's report."""
    command = ["node_modules/.bin/lighthouse", url, "--quiet", f"--port={DEBUGGING_PORT}", "--output=json"]
    command += ["--only-categories=performance,accessibility,best-practices", "--disable-storage-reset"]
    command += ["--preset=desktop"] if preset == "desktop" else []
    for _ in range(TRIES):  # now and then it loses the browser
        done = subprocess.run(command, cwd=folder, check=False, capture_output=True, text=True)
        if not done.returncode:
            report: dict[str, Any] = json.loads(done.stdout)
            return report
    raise RuntimeError(f"Lighthouse failed {TRIES} times with {url}: {done.stderr[-500:]}")


def row(name: str, folder: Path, url: str) -> list[str]:
    """Scores of desktop and phone, the shift on a phone, requests and kilobytes."""
    reports = [lighthouse(folder, url, preset) for preset in ("desktop", "mobile")]
    scores = [
        " / ".join(str(round(part["score"] * 100)) for part in report["categories"].values()) for report in reports
    ]
    shift = max(report["audits"]["cumulative-layout-shift"]["numericValue"] for report in reports)
    return [name, *scores, f"{shift:.3f}"]


def weight(context: Any, url: str) -> list[str]:
    """Requests and kilobytes of a first visit, and kilobytes of the next."""
    page = context.new_page()
    session = context.new_cdp_session(page)
    sizes: list[list[float]] = [[], []]
    visit = 0
    session.send("Network.enable")
    session.on("Network.loadingFinished", lambda event: sizes[visit].append(event["encodedDataLength"]))
    session.send("Network.clearBrowserCache")
    for number in (0, 1):
        visit = number
        page.goto(url)
        page.wait_for_load_state("networkidle")
    page.close()
    return [str(len(sizes[0])), f"{sum(sizes[0]) / 1000:.0f}", f"{sum(sizes[1]) / 1000:.0f}"]


def sign_in(context: Any, url: str) -> None:
    page = context.new_page()
    page.goto(f"{url}/sign-in/")
    page.locator("[name=username]").fill("admin")
    page.locator("[name=password]").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_load_state()
    page.close()


def finished_job(context: Any, url: str) -> str:
    """The URL of a job that has refreshed all conversations."""
    page = context.new_page()
    page.goto(f"{url}/conversations/refresh/")
    page.locator("main .button-primary").click()
    page.locator(".pagehead .badge-good").wait_for(timeout=60_000)
    job: str = page.url
    page.close()
    return job


def measured(folder: Path) -> list[list[str]]:
    (folder / "package.json").write_text('{"private": true}')
    subprocess.run(["npm", "install", "--silent", "--no-audit", "--no-fund", "lighthouse"], cwd=folder, check=True)
    rows = []
    with servers(folder) as urls, sync_playwright() as playwright:
        context = playwright.chromium.launch_persistent_context(
            folder / "profile", executable_path=CHROMIUM, args=[*FLAGS, f"--remote-debugging-port={DEBUGGING_PORT}"]
        )
        sign_in(context, urls["Convadmin"])  # the session's cookie is the host's, whatever the port
        pages = {name: urls["Convadmin"] + path for name, path in OWN.items()}
        pages["job"] = finished_job(context, urls["Convadmin"])
        pages |= {f"{name}: list": url + ADMIN_LIST for name, url in urls.items() if name != "Convadmin"}
        for name, url in pages.items():
            rows.append([*row(name, folder, url), *weight(context, url)])
            sys.stderr.write(f"{rows[-1]}\n")
        context.close()
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.pages", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--write", type=Path, help="put the table into this page, docs/benchmarks.md")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        rows = measured(Path(folder))
    heads = ["page", "desktop", "phone", "shift", "requests", "kB, first visit", "kB, next"]
    text = f"Measured on {date.today()}: `python -m tests.benchmarks.pages`.\n\n{table(heads, rows)}"
    sys.stdout.write(f"{text}\n")
    if asked.write:
        before, _, rest = asked.write.read_text().partition("<!-- measured: pages -->")
        after = rest.partition("<!-- end of pages -->")[2]
        asked.write.write_text(f"{before}<!-- measured: pages -->\n\n{text}\n\n<!-- end of pages -->{after}")


if __name__ == "__main__":
    main()
