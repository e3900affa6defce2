"""What models do differently: how a request is read, answered and rendered.

Everything else of serving - protocols, limits, metrics, the log, batches - is the same for all.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Any, Protocol, TypeVar

import pyarrow as pa

from timonel.config.section import Label
from timonel.contract import DataContract, FeatureBatch, Violation
from timonel_serving.protocol.v2_response import Output

Question = TypeVar("Question")
"""A request, read; its length is its number of rows."""
Given = TypeVar("Given")
"""What the model says; it knows its `violations`."""


class Answerer(Protocol[Question, Given]):
    """A model with its contract. It holds no state between calls."""

    contract: DataContract
    numeric: frozenset[str]
    """The V2 inputs whose data are numbers throughout."""
    outputs: tuple[str, ...]
    """The V2 outputs."""

    def read_v1(self, payload: object) -> Question:
        """Read a V1 body; raises `BadInput` naming the row that is wrong."""

    def read_v2(self, inputs: Sequence[Any], blob: memoryview) -> Question:
        """Read V2 tensors; `blob` holds the data of those in binary form, in order."""

    def of_batch(self, batch: FeatureBatch) -> Question:
        """The question that rows of a file are."""

    def check(self, question: Question) -> tuple[Violation, ...]:
        """What the rows break of the contract; raises `ContractBroken` where that is not served."""

    def answer(self, question: Question, violations: tuple[Violation, ...]) -> Given:
        """Answer a question that `check` has let pass."""

    def fields(self, answer: Given) -> dict[str, Any]:
        """The model's part of a V1 response."""

    def tensors(self, answer: Given) -> dict[str, Output]:
        """The V2 outputs, by name."""

    def types(self) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        """V2 metadata: the inputs and the outputs."""

    def example(self) -> list[Any]:
        """A row that the contract allows, for warming up."""

    def columns(self) -> list[pa.Field]:
        """What a file of answers holds of each row."""

    def values(self, answer: Given) -> list[pa.Array]:
        """The columns of some answers."""

    def tally(self, answer: Given) -> Counter[Label]:
        """How many rows were answered in which way, all ways named."""
