"""From a fitted pipeline to an ONNX graph that is proven to say the same."""
