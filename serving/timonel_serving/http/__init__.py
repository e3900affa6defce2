"""HTTP: the fast way for inference in front of KServe's own application, and who may come in."""
