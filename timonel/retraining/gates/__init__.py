"""What a challenger must show before it may replace the champion: pure verdicts on paired losses.

found = paired(challenger_loss, champion_loss, entity)
superior(found, alpha), within(found, margin, alpha), slices(many, margins, alpha)
"""

from timonel.retraining.gates.contrast import Contrast, paired
from timonel.retraining.gates.verdicts import Verdict, holm, slices, superior, within

__all__ = ["Contrast", "Verdict", "holm", "paired", "slices", "superior", "within"]
