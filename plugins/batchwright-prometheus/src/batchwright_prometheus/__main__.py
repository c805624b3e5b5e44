"""``python -m batchwright_prometheus > dashboard.json``: print the dashboard."""

import json
import sys

from batchwright_prometheus.dashboard import dashboard

json.dump(dashboard(), sys.stdout, indent=2)
sys.stdout.write("\n")
