#!/usr/bin/env bash
# franz-go, the Go client, against the broker at BOOTSTRAP (matrix, and its own tests), and against
# brokers that the crash program itself starts from the binary at PELTON and kills.
#   go.sh                          matrix, franz, then crash
#   go.sh prepare                  only fetches and builds
#   go.sh matrix | franz | crash   one of them
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
work=${CI_WORK:-${CARGO_TARGET_DIR:-$here/../../target}/ci}
mkdir -p "$work"
work=$(cd "$work" && pwd)
what=${1:-all}

# Of franz-go's tests of its client, these need what the broker has not: share groups, the group
# protocol of KIP-848, transactions, SCRAM. Everything else runs.
franz_skip='Share|848|Txn|SCRAM'

(cd "$here/go" && go vet ./... && go build -o "$work/go-bin/" ./...)
franz=$(cd "$here/go" && go list -m -f '{{.Dir}}' github.com/twmb/franz-go)
(cd "$franz" && go test -c -o "$work/go-bin/franz.test" ./pkg/kgo)
[ "$what" != prepare ] || exit 0

failures=0
echo "with franz-go $(cd "$here/go" && go list -m -f '{{.Version}}' github.com/twmb/franz-go)"
case $what in all | matrix)
  : "${BOOTSTRAP:?host:port of the broker}"
  timeout "${MATRIX_SECONDS:-300}" "$work/go-bin/matrix" || failures=$((failures + 1))
  ;;
esac
case $what in all | franz)
  : "${BOOTSTRAP:?host:port of the broker}"
  # The tests find their own files beside them.
  (cd "$franz/pkg/kgo" && KGO_SEEDS=$BOOTSTRAP KGO_TEST_RF=1 KGO_TEST_RECORDS=5000 KGO_LOG_LEVEL=none \
    timeout 300 "$work/go-bin/franz.test" -test.v -test.timeout 280s -test.skip "$franz_skip") > "$work/franz.log" 2>&1 || {
    failures=$((failures + 1))
    grep -E -A 5 '^ *--- FAIL|^panic' "$work/franz.log" | head -n 40
  }
  grep -E '^--- SKIP' "$work/franz.log" || true
  echo "franz-go's own tests: $(grep -c '^--- PASS' "$work/franz.log" || true) passed, $(grep -c '^--- FAIL' "$work/franz.log" || true) failed"
  ;;
esac
case $what in all | crash)
  : "${PELTON:?path of the broker binary}"
  timeout "${CRASH_SECONDS:-600}" "$work/go-bin/crash" || failures=$((failures + 1))
  ;;
esac
echo "go: $failures programs failed"
[ "$failures" -eq 0 ]
