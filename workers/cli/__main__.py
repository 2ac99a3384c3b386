"""`python -m workers.cli` is `aircheck`."""

from workers.cli import main

main()
