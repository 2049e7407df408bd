#!/usr/bin/env bash
# Python clients against the broker at BOOTSTRAP, each in a venv of its own: confluent-kafka and
# kafka-python at their newest, and the 2.0.2 of each, old clients still in wide use.
#   python.sh            the matrix of matrix.py with each of them
#   python.sh prepare    only makes the venvs
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
work=${CI_WORK:-${CARGO_TARGET_DIR:-$here/../../target}/ci}
codecs=(python-snappy lz4 zstandard crc32c)

# venv NAME PACKAGE...: made once; the stamp is written last, so a broken one is made again.
venv() {
  local dir=$work/venv-$1
  shift
  [ ! -e "$dir/complete" ] || return 0
  rm -rf "$dir"
  python3 -m venv "$dir"
  "$dir/bin/pip" install -q --disable-pip-version-check "$@"
  touch "$dir/complete"
}

mkdir -p "$work"
venv confluent-kafka confluent-kafka
venv confluent-kafka-2.0.2 confluent-kafka==2.0.2
venv kafka-python kafka-python "${codecs[@]}"
venv kafka-python-2.0.2 kafka-python==2.0.2 "${codecs[@]}"
[ "${1:-}" != prepare ] || exit 0

: "${BOOTSTRAP:?host:port of the broker}"
failures=0
for client in confluent-kafka confluent-kafka-2.0.2 kafka-python kafka-python-2.0.2; do
  "$work/venv-$client/bin/pip" list --disable-pip-version-check 2> /dev/null | sed -nE 's/^(confluent-kafka|kafka-python) +/with \1 /p'
  timeout "${MATRIX_SECONDS:-400}" "$work/venv-$client/bin/python" "$here/matrix.py" || failures=$((failures + 1))
done
echo "python: $failures clients failed"
[ "$failures" -eq 0 ]
