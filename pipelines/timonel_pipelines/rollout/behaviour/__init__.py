"""Behaviour of two versions: logged rows scored by both packages, as evidence for the judge."""
