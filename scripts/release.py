#!/usr/bin/env python3
"""Release a version by Helm: deploy the canary, follow the monitor's verdict, promote or roll back, report.

Needs Python's standard library, `helm` 4, `kubectl`, and the monitor's address; the token in TIMONEL_TOKEN.
Whatever happens - a verdict, an error, a signal, the time running out - one version serves in the end.
Exit codes: 0 promoted, 10 rolled back, 30 inconclusive (and rolled back), 1 an error (and rolled back).

Or one step at a time, each of which may be done again: plan, deploy, open, look, weigh, promote, withdraw,
settle. They read what serves from the deployed release. `look` ends with the verdict's code, 20 to go on.
"""

import sys

from releasing.command import main

if __name__ == "__main__":
    sys.exit(main((__doc__ or "").splitlines()[0]))
