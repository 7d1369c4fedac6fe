"""The preview shows exactly what would be sent, also after a shell has parsed it."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from conversations.openai.request_preview import as_curl, as_json

URL = "https://api.openai.com/v1/conversations"
HOSTILE = [
    "it's",
    'say "hi"',
    "two\nlines\r\n",
    "\n",
    "$(touch broken)",
    "`touch broken`",
    "${HOME} $OPENAI_API_KEY",
    "\\ \\n \\",
    "'; touch broken; '",
    "!! #comment && | > broken",
    "😀 שלום \u202e",
    "@/etc/passwd",
    "\0",
    "%s%n",
    "-H x",
]


@pytest.fixture
def shell(tmp_path: Path) -> Path:
    """A folder with a `curl` that writes its arguments to a file, separated by NUL."""
    curl = tmp_path / "curl"
    curl.write_text('#!/bin/sh\nprintf "%s\\0" "$@" > arguments\n')
    curl.chmod(0o755)
    return tmp_path


def arguments(shell: Path, command: str, **environment: str) -> list[str]:
    """The arguments of `curl` after sh has run the command, which must not run anything else."""
    known = {"PATH": f"{shell}:{os.defpath}", "OPENAI_API_KEY": "the-key", **environment}
    subprocess.run(["sh", "-c", command], cwd=shell, env=known, check=True, timeout=10)
    assert {path.name for path in shell.iterdir()} == {"curl", "arguments"}
    return (shell / "arguments").read_text().split("\0")[:-1]


def body_of(given: list[str]) -> Any:
    return json.loads(given[given.index("--data-raw") + 1])


@pytest.mark.parametrize("text", HOSTILE)
def test_a_shell_passes_on_the_same_body(shell: Path, text: str) -> None:
    body = {"items": [{"type": "message", "role": "user", "content": text}], "metadata": {text: text}}
    assert body_of(arguments(shell, as_curl(URL, body))) == body


@pytest.mark.parametrize("text", HOSTILE[:2] + HOSTILE[4:11])
def test_a_shell_passes_on_organization_and_project_as_they_are(shell: Path, text: str) -> None:
    given = arguments(shell, as_curl(URL, {}, organization=text, project=f"p{text}"))
    assert f"OpenAI-Organization: {text}" in given
    assert f"OpenAI-Project: p{text}" in given


def test_the_key_stands_as_a_variable(shell: Path) -> None:
    command = as_curl(URL, {})
    assert "the-key" not in command
    assert "Authorization: Bearer the-key" in arguments(shell, command)


def test_a_further_header_stands_as_a_variable_of_its_name(shell: Path) -> None:
    command = as_curl(URL, {}, secret_headers=["X-Gate"])
    assert '-H "X-Gate: $X_GATE"' in command
    assert "X-Gate: open" in arguments(shell, command, X_GATE="open")


@pytest.mark.parametrize("name", ["`touch`", "a'b", "X!y", "$HOME", "$X", "1-st", "a.b|c", "~^&*+%#", "`touch`$X'"])
def test_a_header_may_be_called_what_a_shell_would_act_on(shell: Path, name: str) -> None:
    given = arguments(shell, as_curl(URL, {}, secret_headers=[name]))
    assert any(argument.startswith(f"{name}: ") for argument in given)


def test_a_url_is_one_argument(shell: Path) -> None:
    url = "https://api.openai.com/v1;touch%20broken&$(x)'\""
    assert arguments(shell, as_curl(url, {}))[0] == url


def test_what_is_empty_is_left_out(shell: Path) -> None:
    given = arguments(shell, as_curl(URL, {}))
    assert not any(argument.startswith("OpenAI-") for argument in given)


def test_json_is_the_body_to_be_read() -> None:
    assert as_json({"metadata": {"a": "é😀"}}) == '{\n  "metadata": {\n    "a": "é😀"\n  }\n}'
