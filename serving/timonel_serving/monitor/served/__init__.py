"""Which version serves, as a file says that the release writes; each change is on the record."""
