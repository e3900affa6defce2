"""The wire formats: KServe V1, Open Inference Protocol V2 in JSON and in binary tensors."""
