#!/usr/bin/env bash
# ONNX Runtime's Pow of two int64 tensors is exact to 53 bits only.
#
# Versions   onnxruntime 1.30.0, onnx 1.23.2 (with its reference evaluator), numpy 2.4.6
# Guess      An integer power is computed in integers: exact up to 63 bits, as Mul is, and as NumPy and the reference
#            evaluator of the onnx package have it.
# Seen       3^34 comes out too large by 1, 3^39 too small by 11; the product 3^20 * 3^19 by Mul in the same runtime is exact.
# Why        The results are those of pow() in double, cast back to int64: multiples of 2 and of 512.
# Matters    to everybody who puts hashes, bit masks or position arithmetic into a graph, or tests a runtime by the
#            reference evaluator with small numbers only: multiply or shift instead.
# Output
#   3^33: exact 5559060566555523      ONNX Runtime 5559060566555523      reference 5559060566555523
#   3^34: exact 16677181699666569     ONNX Runtime 16677181699666570     reference 16677181699666569
#   3^39: exact 4052555153018976267   ONNX Runtime 4052555153018976256   reference 4052555153018976267
#   3^20 * 3^19 by Mul: 4052555153018976267
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"

python3 -m venv venv
venv/bin/pip install --quiet onnxruntime==1.30.0 onnx==1.23.2 numpy==2.4.6
cat > probe.py <<'PY'
import sys
import numpy as np, onnxruntime
from onnx import TensorProto, helper
from onnx.reference import ReferenceEvaluator

def model_of(operator):
    info = lambda name: helper.make_tensor_value_info(name, TensorProto.INT64, [None])
    graph = helper.make_graph([helper.make_node(operator, ["x", "y"], ["z"])], "g", [info("x"), info("y")], [info("z")])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)

def runtime(operator, x, y):
    session = onnxruntime.InferenceSession(model_of(operator).SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, {"x": x, "y": y})[0].tolist()

exponents = np.array([33, 34, 39])
bases = np.full(3, 3)
exact = [3**int(e) for e in exponents]
ort = runtime("Pow", bases, exponents)
reference = ReferenceEvaluator(model_of("Pow")).run(None, {"x": bases, "y": exponents})[0].tolist()
for row in zip(exponents, exact, ort, reference):
    print("3^{}: exact {:<21} ONNX Runtime {:<21} reference {}".format(*row))
product = runtime("Mul", np.array([3**20]), np.array([3**19]))
print("3^20 * 3^19 by Mul:", *product)
right = [a == b for a, b in zip(ort, exact)]
as_double = all(int(float(v)) == v for v in ort)
if not (right == [True, False, False] and as_double and reference == exact and product == exact[2:]):
    sys.exit("The behaviour has changed.")
PY
venv/bin/python probe.py
