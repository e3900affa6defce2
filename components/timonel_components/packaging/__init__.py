"""What goes into a model package: the ONNX graph and its proof, the reference, the card."""
