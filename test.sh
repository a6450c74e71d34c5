#!/usr/bin/env bash
# Installs what the tests need (as root, where apt is at hand), builds everything, and runs every test:
# unit, conformance, interop, end to end with the JIT build and with the Native AOT programs, the probes if they are there, a short siege
# and a short run of the fuzzer.
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

# A suite that hangs is ended, and counts as broken: it leaves no report.
suite() {  # suite PROJECT VARIANT
  local name report
  name=$(basename "$1") report="$name.$2.xml"
  timeout 900 "$1/bin/Release/net10.0/$name" --results-directory "$work/reports" --report-xunit --report-xunit-filename "$report" --no-progress ||
    echo "-- $name ($2): failures"
  [ -s "$work/reports/$report" ] || echo "$name ($2): no report" >>"$work/broken"
}

section "fuzzing (short)"
eng/fuzz.sh --check-planted --report "$work/reports/fuzz-planted.probe"
timeout 300 eng/fuzz.sh --short --report "$work/reports/fuzz.probe"
case $? in
  0 | 1) ;; # with 1 the failures are in the report
  3) [ -z "${CI:-}" ] || echo "fuzzing was skipped" >>"$work/broken" ;;
  *) echo "fuzzing could not run" >>"$work/broken" ;;
esac

section "tests (JIT)"
for project in tests/*.Tests; do suite "$project" jit; done

section "Native AOT"
linker=$(command -v clang || command -v gcc || true)
if [ -z "$linker" ] || ! echo 'int main(void) { return 0; }' | "$linker" -x c - -lz -o /dev/null 2>/dev/null; then
  echo "skipped: Native AOT needs gcc or clang and zlib's headers, which are not installed; end to end (AOT) and the probes need its programs"
  [ -z "${CI:-}" ] || echo "Native AOT was skipped" >>"$work/broken"
elif eng/publish.sh "$work/aot" >"$work/publish.log" 2>&1; then
  cat "$work/publish.log"
  [ "$(ls "$work/aot" | tr '\n' ' ')" = "frpc frps " ] || { ls -l "$work/aot"; echo "publish: other files than frps and frpc" >>"$work/broken"; }
  grep -E 'warning (IL|NETSDK)' "$work/publish.log" && echo "publish: trim warnings" >>"$work/broken"
  section "end to end (AOT)"
  FRP_PROGRAMS="$work/aot" suite tests/Frp.EndToEnd.Tests aot
  section "probes"
  eng/run-probes.sh "$work/aot" "$work/reports"
  [ $? -le 1 ] || echo "the probes could not run" >>"$work/broken" # with 1 the failures are in the reports
  section "siege"
  if eng/siege.sh "$work/aot" 5; then echo siege >>"$work/passed"; else echo "eng/siege.sh" >>"$work/broken"; fi
else
  cat "$work/publish.log"
  echo "publish" >>"$work/broken"
fi

section "demo"
if ./demo.sh --check; then echo demo >>"$work/passed"; else echo "demo.sh --check" >>"$work/broken"; fi

section "summary"
python3 eng/summary.py "$work/reports" --broken "$work/broken" --passed "$work/passed" --expected-skips eng/expected-skips.txt
