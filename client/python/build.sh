#!/usr/bin/env bash
# Writes the importable package to FOLDER: weft/ with its stubs, made from proto/.
#
#   client/python/build.sh FOLDER
#
# Needs protoc and grpc_python_plugin (Debian: protobuf-compiler, protobuf-compiler-grpc) and the
# google/rpc protos that deploy/install-deps.sh installs; WEFT_GOOGLE_PROTO_ROOT names another place
# that has them. What FOLDER/weft held before is replaced.
set -euo pipefail

if ((${#} != 1)); then
  echo "usage: client/python/build.sh FOLDER" >&2
  exit 64
fi
mkdir -p "$1"
folder=$(realpath "$1")
cd "$(dirname "$0")/../.."

google=${WEFT_GOOGLE_PROTO_ROOT:-deploy/tools/node_modules/google-proto-files}
if [[ ! -f $google/google/rpc/status.proto ]]; then
  echo "build.sh: google/rpc/status.proto is not below $google: run deploy/install-deps.sh" >&2
  exit 1
fi

# Made aside, so that a failure leaves what was there.
made=$(mktemp -d "$folder/.weft-XXXXXX")
trap 'rm -rf "$made"' EXIT
mkdir -p "$made/weft/bundled"
cp client/python/weft/*.py client/python/weft/py.typed "$made/weft/"
protoc -I proto -I "$google" --python_out="$made" --pyi_out="$made" --grpc_out="$made" \
  --plugin=protoc-gen-grpc="$(command -v grpc_python_plugin)" \
  weft/v1/task.proto weft/v1/task_service.proto weft/v1/admin_service.proto
# Debian has no package of google/rpc; see weft/__init__.py for where these are used.
protoc -I "$google" --python_out="$made/weft/bundled" --pyi_out="$made/weft/bundled" \
  google/rpc/status.proto google/rpc/error_details.proto
rm -rf "$folder/weft"
mv "$made/weft" "$folder/weft"
