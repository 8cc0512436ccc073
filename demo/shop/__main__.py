"""Serves the shop: SENTRY_DSN=… python -m demo.shop --port 8080 --database shop.sqlite."""

import argparse
import os

from demo.shop.app import create_shop


def main() -> None:
    """Run it on the development server, which is enough for a demonstration."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--database", required=True)
    arguments = parser.parse_args()
    shop = create_shop(
        database=arguments.database,
        dsn=os.environ["SENTRY_DSN"],
        release=os.environ.get("SHOP_RELEASE", "shop@2.1.1"),
        environment=os.environ.get("SHOP_ENVIRONMENT", "production"),
    )
    shop.run(port=arguments.port, threaded=True)


if __name__ == "__main__":
    main()
