"""Write a model for other programs: a C header, an ONNX graph, a JSON file."""
