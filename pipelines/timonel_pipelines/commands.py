"""The commands that this package adds to `timonel`. Heavy imports stay inside the functions."""

import typer


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    from timonel_pipelines.cli import audit, cluster, pipeline, retraining, rollout, training

    app.command("train")(training.train)
    app.command("retrain")(retraining.retrain)
    app.command("audit")(audit.audit)
    app.add_typer(pipeline.build(), name="pipeline")
    app.add_typer(rollout.build(), name="rollout")
    app.add_typer(cluster.build(), name="cluster")
    app.command("status")(cluster.status)
