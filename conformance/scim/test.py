"""Runs scim2-tester, a SCIM client that knows nothing of Castellan, at the demo's first connection.

    python test.py DESCRIBE.json      (scim2 from requirements.txt on the PATH)

Fails on every error that known.txt does not list.
"""

import json
import os
import pathlib
import re
import subprocess
import sys

connection = json.loads(pathlib.Path(sys.argv[1]).read_text())["connections"][0]
environment = os.environ | {"SCIM_CLI_HEADERS": f"Authorization: Bearer {connection['token']}"}
run = subprocess.run(
    ["scim2", "--url", connection["base_url"], "test"],
    env=environment, capture_output=True, text=True, timeout=300,
)
results = re.findall(r"^(SUCCESS|ERROR|SKIPPED|ACCEPTABLE|DEVIATION|CRITICAL) (\S+)\n((?:  .*\n?)*)", run.stdout, re.M)
lines = pathlib.Path(__file__).with_name("known.txt").read_text().splitlines()
known = [line.split("\t") for line in lines if line and not line.startswith("#")]


def is_known(check: str, message: str) -> bool:
    return any(check == known_check and part in message for known_check, part, _ in known)


passed = sum(status == "SUCCESS" for status, *_ in results)
errors = [(check, text.strip()) for status, check, text in results if status in ("ERROR", "CRITICAL")]
unknown = [(check, text) for check, text in errors if not is_known(check, text)]
for check, text in errors:
    print(f"{'FAILED ' if (check, text) in unknown else 'known  '} {check}: {text}")
if not passed:
    print(run.stdout[-3000:], run.stderr[-3000:])
print(f"\n{passed} passed, {len(unknown)} failed")
sys.exit(1 if unknown or passed < 50 else 0)
