"""The rollout: a challenger beside the champion behind a weighted route, judged, promoted or withdrawn."""
