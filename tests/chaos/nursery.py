"""The acceptance tests' nursery, with a router that waits less between attempts.

python -m tests.chaos.nursery CONFIG OUT LOG: the providers here process no request later than some
seconds after its receipt, and their faults last no longer than a run. So a run need not wait for
minutes until the last attempt, and until the last state is sent again.
"""

import runpy
from importlib import import_module

ARRIVES_WITHIN = 6.0
"""Seconds. More than `receivers.LATE`."""

LONGEST = 8.0
"""Seconds between two attempts at most."""

if __name__ == "__main__":
    for name in ("router.core.incident.delivery", "router.store.claims"):
        vars(import_module(name))["ARRIVES_WITHIN"] = ARRIVES_WITHIN
    vars(import_module("router.core.outbox.backoff"))["LONGEST"] = LONGEST
    runpy.run_module("tests.acceptance.nursery", run_name="__main__")
