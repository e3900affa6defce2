"""What each pipeline step does: one plain function a file, free of any orchestrator."""
