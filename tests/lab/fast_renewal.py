"""hadeploy that renews its lock every 50 ms: `python -m tests.lab.fast_renewal COMMAND...`."""

from __future__ import annotations

from hadeploy.cli.main import main
from hadeploy.rollout import lock

if __name__ == "__main__":
    lock.RENEW_SECONDS = 0.05  # type: ignore[assignment]
    main()
