"""`python -m muster_agent` is the `muster` command."""

from muster_agent.cli import main

if __name__ == "__main__":
    main()
