"""``python -m batchwright_prometheus [alerts]``: print the dashboard, or the alerts."""

import json
import sys

from batchwright_prometheus.dashboard import alerts, dashboard

match sys.argv[1:]:
    case []:
        sys.stdout.write(json.dumps(dashboard(), indent=2) + "\n")
    case ["alerts"]:
        sys.stdout.write(alerts())
    case _:
        sys.exit("usage: python -m batchwright_prometheus [alerts]")
