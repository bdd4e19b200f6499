"""A classifier as an ONNX graph, and the engines that run one."""
