"""The detector's ingestion: takes inference events, spools them, joins their halves, folds the rows."""
