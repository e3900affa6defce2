"""Canaries that this monitor judges for others: Argo Rollouts, Flagger, or whoever moves the traffic."""
