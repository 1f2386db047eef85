"""Runs scim-sanity's probe, a SCIM client that knows nothing of Castellan, at the demo's first connection.

    python sanity.py DESCRIBE.json      (scim-sanity from requirements.txt on the PATH)

Fails on every check that does not pass, and if there are fewer checks than it is known to have.
"""

import json
import pathlib
import subprocess
import sys

CHECKS = 28

connection = json.loads(pathlib.Path(sys.argv[1]).read_text())["connections"][0]
run = subprocess.run(
    ["scim-sanity", "probe", connection["base_url"], "--token", connection["token"],
     "--i-accept-side-effects", "--json-output"],
    capture_output=True, text=True, timeout=300,
)
# It may print a word about its side effects first, as JSON of its own.
decoder, text, documents = json.JSONDecoder(), run.stdout.strip(), []
while text.startswith("{"):
    document, end = decoder.raw_decode(text)
    documents.append(document)
    text = text[end:].strip()
report = next((document for document in documents if "results" in document), None)
if report is None:
    print(run.stdout[-3000:], run.stderr[-3000:])
    sys.exit(1)

# Skipped are the resource types of an individual draft, which we do not have.
judged = [result for result in report["results"] if result["status"].lower() != "skip"]
bad = [result for result in judged if result["status"].lower() not in ("pass", "warn")]
for result in bad:
    print("FAILED ", json.dumps(result))
passed = sum(result["status"].lower() == "pass" for result in judged)
print(f"\n{passed} passed, {len(bad)} failed")
sys.exit(1 if bad or passed < CHECKS else 0)
