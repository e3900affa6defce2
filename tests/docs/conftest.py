"""Lets the tests of the documentation import the module that runs its pages."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
