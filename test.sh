#!/usr/bin/env bash
# Installs what the tests need (as root, where apt is at hand), builds everything, and runs every test:
# unit, conformance, interop, end to end with the JIT build and with the Native AOT programs, and the probes if they are there.
# Ends with one line: N passed, N failed.
set -uo pipefail
cd "$(dirname "$0")"
top=$PWD
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/reports"

section() { printf '\n== %s (%ss)\n' "$1" "$SECONDS"; }
die() { echo "test.sh: $*" >&2; echo "0 passed, 1 failed"; exit 1; }

section "what the tests need"
eng/install-test-tools.sh || die "the tools could not be installed"

section "build"
dotnet build Frp.slnx -c Release -v q || die "the build failed"

section "tests (JIT)"
for project in tests/*.Tests; do
  name=$(basename "$project")
  "$project/bin/Release/net10.0/$name" --results-directory "$work/reports" --report-xunit --report-xunit-filename "$name.jit.xml" --no-progress ||
    echo "-- $name: failures"
  [ -s "$work/reports/$name.jit.xml" ] || echo "$name" >>"$work/broken"
done

section "Native AOT"
if eng/publish.sh "$work/aot" >"$work/publish.log" 2>&1; then
  cat "$work/publish.log"
  [ "$(ls "$work/aot" | tr '\n' ' ')" = "frpc frps " ] || { ls -l "$work/aot"; echo "publish: other files than frps and frpc" >>"$work/broken"; }
  grep -E 'warning (IL|NETSDK)' "$work/publish.log" && echo "publish: trim warnings" >>"$work/broken"
  section "end to end (AOT)"
  FRP_PROGRAMS="$work/aot" tests/Frp.EndToEnd.Tests/bin/Release/net10.0/Frp.EndToEnd.Tests --results-directory "$work/reports" --report-xunit --report-xunit-filename "Frp.EndToEnd.Tests.aot.xml" --no-progress ||
    echo "-- Frp.EndToEnd.Tests (AOT): failures"
  [ -s "$work/reports/Frp.EndToEnd.Tests.aot.xml" ] || echo "Frp.EndToEnd.Tests.aot" >>"$work/broken"
  section "probes"
  eng/run-probes.sh "$work/aot" "$work/reports" || echo "probes could not run" >>"$work/broken"
else
  cat "$work/publish.log"
  echo "publish" >>"$work/broken"
fi

section "demo"
if ./demo.sh --check; then echo demo >>"$work/passed"; else echo "demo.sh --check" >>"$work/broken"; fi

section "summary"
python3 eng/summary.py "$work/reports" --broken "$work/broken" --passed "$work/passed" --expected-skips eng/expected-skips.txt
