"""hadeploy that renews its lock all the time: `python -m tests.lab.hasty COMMAND...`."""

from __future__ import annotations

from hadeploy.cli.main import main
from hadeploy.rollout import lock

if __name__ == "__main__":
    lock.RENEW_SECONDS = 0.05  # type: ignore[assignment]
    main()
