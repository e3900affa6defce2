"""From rows to fitted pipelines: estimators, the search, scikit-learn models as files."""
