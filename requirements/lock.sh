#!/usr/bin/env bash
# Locks requirements/*.in into *.txt, with hashes and for every supported Python and platform.
set -euo pipefail
cd "$(dirname "$0")"
uv=$(cd - >/dev/null && realpath "$1")

compile() { # OUTPUT INPUT...
  local output=$1
  shift
  "$uv" pip compile --quiet --universal --python-version 3.11 --upgrade --generate-hashes --no-emit-index-url \
    --no-emit-find-links --custom-compile-command "make lock" --output-file "$output" "$@"
}

compile web.txt client.in web.in
compile worker.txt client.in web.in worker.in --constraint web.txt
compile worker-gpu.txt client.in web.in worker-gpu.in --constraint web.txt
compile dev.txt client.in web.in worker.in dev.in --constraint worker.txt
