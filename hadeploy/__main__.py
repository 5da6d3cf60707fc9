"""`python -m hadeploy`."""

from hadeploy.cli.main import main

if __name__ == "__main__":
    main()
