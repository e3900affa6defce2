"""The registry: what was judged becomes champion, or nothing does."""
