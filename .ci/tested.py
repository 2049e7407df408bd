#!/usr/bin/env python3
"""Which clients were tested: a page in Markdown, made from the logs of a run of `run`.

    tested.py LOGS > tested.md

A log's lines `with CLIENT` name what ran, `ok CHECK` and `FAILED CHECK` what it found.
"""
import datetime
import pathlib
import re
import subprocess
import sys


def lines(log, word):
    found = re.findall(rf"^{word} (.*)$", log, re.MULTILINE)
    # How long a check took is another thing each time.
    return [re.sub(r" [0-9.]+s$", "", line) for line in found]


def main():
    logs = pathlib.Path(sys.argv[1])
    commit = subprocess.run(
        ["git", "log", "-1", "--format=%h of %as"], capture_output=True, text=True, check=True
    ).stdout.strip()
    print("# Clients tested\n")
    print(f"Made by `.ci/run` on {datetime.date.today()} from commit {commit}.\n")
    print("| what | with | passed | failed |\n|---|---|---|---|")
    checks = []
    for path in sorted(logs.glob("*.log")):
        if ".prepare." in path.name or ".broker." in path.name:
            continue
        log = path.read_text(errors="replace")
        clients, passed, failed = (lines(log, word) for word in ("with", "ok", "FAILED"))
        if not clients:
            continue
        print(f"| {path.stem} | {', '.join(clients)} | {len(passed)} | {len(failed)} |")
        checks.append((path.stem, passed, failed))
    for name, passed, failed in checks:
        print(f"\n## {name}\n")
        for check in failed:
            print(f"- FAILED: {check}")
        for check in passed:
            print(f"- {check}")


main()
