"""Two models in one ONNX graph: a quick one, and a slow one that is asked about risky rows alone."""

from typing import Any

import onnx
from onnx import TensorProto, helper
from skl2onnx import convert_sklearn
from skl2onnx.common.data_types import FloatTensorType

OUTPUT = "probabilities"
_OPSET = 18


def cascade(quick: Any, slow: Any, width: int, cut: float) -> bytes:
    """The graph: `slow` answers where the score that `quick` gives reaches `cut`, of any row of a request.

    Args:
        quick: a fitted binary classifier of scikit-learn on `width` numbers.
        slow: likewise.
        width: how many columns the input `numeric` has.
        cut: a probability of the second class.
    """
    first, second = (_converted(model, width) for model in (quick, slow))
    nodes = [*_renamed(first.graph.node, OUTPUT, "quick"), *_choice(second)]
    numbers = [
        helper.make_tensor("positive", TensorProto.INT64, [1], [1]),
        helper.make_tensor("cut", TensorProto.FLOAT, [], [cut]),
    ]
    constants = [*first.graph.initializer, *numbers]
    graph = helper.make_graph(
        nodes, "cascade", first.graph.input, [_output(first.graph)], constants
    )
    operators = {o.domain: o for o in (*first.opset_import, *second.opset_import)}
    model = helper.make_model(graph, opset_imports=list(operators.values()))
    model.ir_version = first.ir_version
    onnx.checker.check_model(model)
    content: bytes = model.SerializeToString()
    return content


def _choice(slow: onnx.ModelProto) -> list[onnx.NodeProto]:
    """The slow model if the greatest score reaches the cut; NaN reaches nothing."""
    inner = onnx.compose.add_prefix(slow, "slow_", rename_inputs=False).graph
    asked = helper.make_graph(inner.node, "slow", [], [_output(inner, "slow_")], inner.initializer)
    kept = helper.make_tensor_value_info("kept", TensorProto.FLOAT, None)
    same = helper.make_graph(
        [helper.make_node("Identity", ["quick"], ["kept"])], "quick", [], [kept]
    )
    return [
        helper.make_node("Gather", ["quick", "positive"], ["scores"], axis=1),
        helper.make_node("ReduceMax", ["scores"], ["greatest"], keepdims=0),
        helper.make_node("GreaterOrEqual", ["greatest", "cut"], ["risky"]),
        helper.make_node("If", ["risky"], [OUTPUT], then_branch=asked, else_branch=same),
    ]


def _output(graph: onnx.GraphProto, prefix: str = "") -> onnx.ValueInfoProto:
    return next(o for o in graph.output if o.name.removeprefix(prefix) == OUTPUT)


def _renamed(nodes: Any, old: str, new: str) -> Any:
    for node in nodes:
        for names in (node.input, node.output):
            names[:] = [new if name == old else name for name in names]
    return nodes


def _converted(model: Any, width: int) -> onnx.ModelProto:
    kinds = [("numeric", FloatTensorType([None, width]))]
    return convert_sklearn(
        model, "model", kinds, options={id(model): {"zipmap": False}}, target_opset=_OPSET
    )
