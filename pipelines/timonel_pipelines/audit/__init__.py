"""A decision followed from its trigger to the champion, each link checked against what it names."""
