"""The console for any WSGI server: `app` answers requests; `pharos serve` also digests."""

from console.app import create_app

app = create_app()
