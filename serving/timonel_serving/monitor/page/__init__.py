"""The monitor's page: well or not, since when, what to do, and the pictures behind it."""

from timonel_serving.monitor.page.routes import routes

__all__ = ["routes"]
