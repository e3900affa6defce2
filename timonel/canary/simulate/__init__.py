"""What a plan's judge does on made-up traffic, next to the rules that are common practice."""

from timonel.canary.simulate.played import Played, play
from timonel.canary.simulate.traffic import Drawn, Scenario, draw

__all__ = ["Drawn", "Played", "Scenario", "draw", "play"]
