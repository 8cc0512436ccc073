"""`python -m console.cli` is `pharos`."""

from console.cli.main import main

main()
