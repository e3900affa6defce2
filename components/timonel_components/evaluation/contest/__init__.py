"""The gates of a challenger against the champion, on the same rows."""
