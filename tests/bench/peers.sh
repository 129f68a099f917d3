#!/bin/sh
# Makes build/peers, a Python environment with the newest PyTorch, ONNX Runtime and OpenVINO, which
# compare.sh measures against; several gigabytes. usage: peers.sh
set -eu
cd "$(dirname "$0")/../.."
command -v python3 >/dev/null || { echo "peers.sh needs python3 with venv (Debian's python3-venv)" >&2; exit 1; }
[ -x build/peers/bin/pip ] || python3 -m venv build/peers
build/peers/bin/pip install --quiet --upgrade torch onnx onnxruntime openvino
build/peers/bin/pip list 2>/dev/null | grep -E '^(torch|onnxruntime|openvino) '
