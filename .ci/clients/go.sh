#!/usr/bin/env bash
# franz-go, the Go client, against the broker at BOOTSTRAP (matrix), and against brokers that the
# crash program itself starts from the binary at PELTON and kills.
#   go.sh                    matrix, then crash
#   go.sh prepare            only fetches and builds
#   go.sh matrix | crash     one of them
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
work=${CI_WORK:-${CARGO_TARGET_DIR:-$here/../../target}/ci}
mkdir -p "$work"
work=$(cd "$work" && pwd)
what=${1:-all}

(cd "$here/go" && go vet ./... && go build -o "$work/go-bin/" ./...)
[ "$what" != prepare ] || exit 0

failures=0
case $what in all | matrix)
  : "${BOOTSTRAP:?host:port of the broker}"
  timeout 300 "$work/go-bin/matrix" || failures=$((failures + 1))
  ;;
esac
case $what in all | crash)
  : "${PELTON:?path of the broker binary}"
  timeout 600 "$work/go-bin/crash" || failures=$((failures + 1))
  ;;
esac
echo "go: $failures programs failed"
[ "$failures" -eq 0 ]
