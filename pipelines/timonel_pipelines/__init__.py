"""How steps are wired into Kubeflow pipelines, compiled and run."""
