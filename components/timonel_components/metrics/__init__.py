"""The figures by which a classifier is judged, and the threshold that they choose."""
