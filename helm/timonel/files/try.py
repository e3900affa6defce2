"""`helm test`: one prediction through the route, then the monitor's metrics say that it was counted."""

import json
import os
import re
import sys
import time
import urllib.error
import urllib.request

ADDRESS, HOST, MODEL, MONITOR, REQUEST = (
    os.environ[name] for name in ("ADDRESS", "HOST", "MODEL", "MONITOR", "REQUEST")
)
SECONDS = 120


def ask(path, body=None):
    """Return the status and the answer of the model, through the gateway."""
    headers = {"Host": HOST, "Content-Type": "application/json"}
    request = urllib.request.Request(f"{ADDRESS}/v2/models/{MODEL}{path}", body, headers)  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def zeros():
    """Return a request of one row: zeros, and empty texts."""
    status, said = ask("")
    if status != 200:
        sys.exit(f"GET {ADDRESS}/v2/models/{MODEL} for {HOST}: {status} {said[:500]}")
    inputs = json.loads(said)["inputs"]
    for one in inputs:
        one |= {"shape": [1], "data": [""] if one["datatype"] == "BYTES" else [0]}
    return json.dumps({"inputs": inputs})


def counted():
    """Return how many predictions the monitor has counted; None if it does not know yet."""
    with urllib.request.urlopen(f"{MONITOR}/metrics", timeout=20) as answer:  # noqa: S310
        text = answer.read().decode()
    mine = rf'^timonel_predictions_total\{{[^}}]*model="{re.escape(MODEL)}"[^}}]*\}} (\S+)$'
    found = re.findall(mine, text, re.MULTILINE)
    return sum(map(float, found)) if found else None


before = counted() or 0.0
status, said = ask("/infer", (REQUEST or zeros()).encode())
print(f"prediction: {status} {said[:500]}")
if status == 422 and not REQUEST:
    print("the model's contract refuses a row of zeros: give test.request for a prediction")
elif status != 200:
    sys.exit(f"expected 200 from {ADDRESS} for {HOST}")
deadline = time.monotonic() + SECONDS
while (counted() or 0.0) <= before:
    if time.monotonic() > deadline:
        sys.exit(f"the monitor counted nothing within {SECONDS} s: see the detector's log")
    time.sleep(2)
print(f"timonel_predictions_total of {MODEL}: {counted():g}, before {before:g}")
