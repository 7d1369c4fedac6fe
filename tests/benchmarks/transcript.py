"""How soon the first of 5,000 items are on the screen, beside 50, and how much memory a download takes. Run by hand:

    .venv/bin/python -m tests.benchmarks.transcript

It makes a database (SQLite), a sandbox and a web server of its own. Times are medians of runs in turns, in one
Chromium; each download is measured in a process of its own, because a process never shows less than its peak.
"""

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from tempfile import TemporaryDirectory

import django
from cryptography.fernet import Fernet
from django.core.management import call_command

RUNS = 25
SIZES = {50: "of 50 items", 5_000: "of 5,000 items"}
MOST_RATIO = 1.5
MOST_GROWTH = 60  # MB
NAME, PASSWORD = "measurer", "a password for measuring"


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")


def prepare(url: str, key: str, ids: list[str]) -> list[int]:
    """A database that holds these conversations of the sandbox, and a user; gives their keys in it."""
    from django.contrib.auth.models import User

    from conversations.models import Conversation, Credential

    call_command("migrate", verbosity=0)
    call_command("collectstatic", verbosity=0, interactive=False)
    Conversation.objects.all().delete()
    Credential.objects.all().delete()
    credential = Credential(name="Sandbox", base_url=url)
    credential.set_key(key)
    credential.save()
    User.objects.filter(username=NAME).delete()
    User.objects.create_superuser(NAME, password=PASSWORD)
    facts = {"credential": credential, "created_at": None, "metadata": {}, "added_by": None, "origin": "created"}
    return [Conversation.objects.add(openai_id=openai_id, **facts).pk for openai_id in ids]


def first_content(site: str, keys: list[int]) -> dict[int, float]:
    """For each conversation the median of the milliseconds until its first item is on the screen."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = os.environ.get("CONVADMIN_CHROMIUM") or "/usr/bin/chromium"
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        page.goto(f"{site}/sign-in/")
        page.fill("[name=username]", NAME)
        page.fill("[name=password]", PASSWORD)
        page.press("[name=password]", "Enter")
        page.wait_for_url("**/conversations/**")
        taken: dict[int, list[float]] = {key: [] for key in keys}
        for _ in range(RUNS + 1):
            for key in keys:
                started = time.perf_counter()
                page.goto(f"{site}/conversations/{key}/", wait_until="commit")
                page.wait_for_selector("article.turn")
                taken[key].append((time.perf_counter() - started) * 1_000)
        browser.close()
    return {key: statistics.median(times[1:]) for key, times in taken.items()}


def peak() -> float:
    """The most memory that this program ever held, in MB. (What `getrusage` tells holds its parent's, too.)"""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def measure_download(key: str, extension: str) -> None:
    """Write one transcript to nowhere; the memory that this takes beyond what one page of it takes to begin with."""
    from django.contrib.auth.models import User

    from conversations.exports.transcripts import FORMATS
    from conversations.models import Conversation
    from conversations.services.transcripts import download

    conversation = Conversation.objects.select_related("credential").get(pk=key)
    actor = User.objects.get(username=NAME)
    before, started, size = peak(), time.perf_counter(), 0
    file = FORMATS[extension](conversation.openai_id)
    for chunk in download(actor=actor, conversation=conversation, file=file):
        size += len(chunk.encode())
    seconds, growth = time.perf_counter() - started, peak() - before
    say(f"{extension:6} {size / 1e6:6.1f} MB in {seconds:5.1f} s; memory {before:.0f} MB + {growth:.0f} MB")
    if growth > MOST_GROWTH:
        sys.exit(f"{growth:.0f} MB are more than {MOST_GROWTH} MB.")


def measure(served: Callable[[str], AbstractContextManager[str]]) -> None:
    """Everything, with a sandbox that holds the conversations."""
    from conversations.examples.items import long
    from conversations.sandbox import Sandbox

    with Sandbox(key="sk-measuring") as sandbox:
        ids = [sandbox.store.create_conversation(items=long(size))["id"] for size in SIZES]
        big = [{"type": "message", "role": "user", "content": "x" * 40_000}] * 2_000
        ids.append(sandbox.store.create_conversation(items=big)["id"])
        keys = prepare(sandbox.url, sandbox.key, ids)
        with served("convadmin.wsgi") as site:
            medians = first_content(site, keys[: len(SIZES)])
        for words, key in zip(SIZES.values(), keys, strict=False):
            say(f"first content {words}: {medians[key]:.0f} ms")
        ratio = medians[keys[1]] / medians[keys[0]]
        say(f"ratio {ratio:.2f}, of at most {MOST_RATIO}")
        for key, what in ((keys[1], "5,000 short items"), (keys[2], "2,000 items of 40 kB")):
            say(f"download of {what}:")
            for extension in ("md", "json", "jsonl", "csv"):
                subprocess.run([sys.executable, "-m", "tests.benchmarks.transcript", str(key), extension], check=True)
    if ratio > MOST_RATIO:
        sys.exit(f"A ratio of {ratio:.2f} is more than {MOST_RATIO}.")


def environment(folder: str) -> dict[str, str]:
    """That of all processes: settings of their own, on a database of their own."""
    return os.environ | {
        "DJANGO_SETTINGS_MODULE": "convadmin.settings",
        "DATABASE_URL": f"sqlite:///{folder}/measured.sqlite3",
        "SECRET_KEY": "for-measuring-only-" + "x" * 50,
        "CREDENTIAL_KEYS": Fernet.generate_key().decode(),
        "CREDENTIAL_HOSTS": "127.0.0.1",
        "ALLOWED_HOSTS": "127.0.0.1",
        "HTTPS": "off",
        "DEBUG": "off",
        "LOG_LEVEL": "WARNING",
    }


if __name__ == "__main__":
    match sys.argv[1:]:
        case []:
            with TemporaryDirectory() as folder:
                command = [sys.executable, "-m", "tests.benchmarks.transcript", "all"]
                sys.exit(subprocess.run(command, env=environment(folder), check=False).returncode)
        case ["all"]:
            from tests.benchmarks.measure import served

            measure(served)
        case [key, extension]:
            django.setup()
            measure_download(key, extension)
