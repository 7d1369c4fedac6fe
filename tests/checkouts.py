"""A copy of the checkout in which `./dev` finds a `.venv` that is up to date: the Python that runs the tests."""

import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
COPIED = [".env.example", "convadmin", "conversations", "dev", "manage.py", "requirements.txt", "static", "templates"]


def copy_checkout(folder: Path) -> Path:
    """Copy what `./dev run` needs into `folder`, and put a `.venv` there that hands on to our own Python."""
    for name in COPIED:
        source, target = ROOT / name, folder / name
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, target)
    python = folder / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    python.chmod(0o755)
    checksum = subprocess.run(["cksum"], input=(folder / "requirements.txt").read_bytes(), capture_output=True)
    (folder / ".venv" / "requirements.stamp").write_bytes(checksum.stdout)
    return folder


def clean_environment(folder: Path, **more: str) -> dict[str, str]:
    """An environment without the settings of the tests."""
    return {"PATH": os.environ["PATH"], "HOME": str(folder), "LANG": "C.UTF-8", **more}


def run_dev(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run `./dev` to its end."""
    return subprocess.run(
        ["./dev", *arguments],
        cwd=folder,
        env=clean_environment(folder, **environment),
        capture_output=True,
        text=True,
        timeout=30,
    )


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]
