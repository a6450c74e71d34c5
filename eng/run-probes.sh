#!/usr/bin/env bash
# Runs the black-box probes against both programs: eng/run-probes.sh PROGRAMS REPORTS
# PROGRAMS holds frps and frpc. The probes are found beside the repository, in ../shared/probe; without them nothing is run, and that
# is said. Writes REPORTS/frps.probe and REPORTS/frpc.probe, each ending with "N passed, N failed". A check that fails and is listed in
# eng/probes-pending.txt is not counted; one that passes although it is listed is named. Exits with 1 when a check failed unexpectedly.
set -uo pipefail
[ $# -eq 2 ] || { echo "usage: eng/run-probes.sh PROGRAMS REPORTS" >&2; exit 2; }
top=$(cd "$(dirname "$0")/.." && pwd)
programs=$(cd "$1" && pwd) || exit 2
mkdir -p "$2"
reports=$(cd "$2" && pwd)
probes=${FRP_PROBES:-$top/../shared/probe}
python=/usr/bin/python3
# The probes' own limit is a minute for each; this one is for a probe that hangs.
limit=300

if [ ! -e "$probes/probe_frps.py" ]; then
  echo "probes: skipped: they are not beside this repository"
  exit 0
fi
if ! "$python" -c 'import cryptography, snappy' 2>/dev/null; then
  echo "probes: skipped: $python has no cryptography or no snappy (Debian: python3-cryptography, python3-snappy)"
  exit 0
fi

judge() {  # judge PROGRAM OUTPUT: prints the report
  "$python" - "$1" "$2" "$top/eng/probes-pending.txt" <<'PYTHON'
import fnmatch, re, sys
program, output, pending_file = sys.argv[1:]
prefix = program + ': '
pending = [line.strip()[len(prefix):] for line in open(pending_file) if line.startswith(prefix)]
passed, failed, waiting, early, done = 0, 0, 0, [], False
for line in open(output, errors='replace'):
    line = line.rstrip('\n')
    done = done or bool(re.fullmatch(r'\d+ passed, \d+ failed', line))
    match = re.match(r'(ok|FAIL) +(.+?)(?:  |$)', line)
    if not match:
        continue
    word, name = match.groups()
    if name.endswith('[stricter]'):
        continue
    listed = any(fnmatch.fnmatchcase(name, pattern) for pattern in pending)
    if word == 'ok':
        passed += 1
        if listed:
            early.append(name)
    elif listed:
        waiting += 1
    else:
        failed += 1
        print(f'{program}: {line}')
for name in early:
    print(f'{program}: passes although it is listed as pending: {name}')
if not done:
    failed += 1
    print(f'{program}: the probe did not come to its end:')
    print(''.join(open(output, errors='replace').readlines()[-20:]))
print(f'{program}: {waiting} checks wait for features')
print(f'{passed} passed, {failed} failed')
PYTHON
}

# The probes' threads take mux stream ids without a lock: when one is interrupted there, two open the same stream, and a server has to end the
# session. They take them with one here.
run='
import runpy, sys, threading
del sys.argv[0]
sys.path.insert(0, sys.argv[0].rpartition("/")[0])
import frpproto
lock, take = threading.Lock(), frpproto.Yamux.open
def take_alone(session):
    with lock:
        return take(session)
frpproto.Yamux.open = take_alone
runpy.run_path(sys.argv[0], run_name="__main__")
'

broken=0
for program in frps frpc; do
  timeout "$limit" "$python" -c "$run" "$probes/probe_$program.py" "--$program" "$programs/$program" >"$reports/$program.probe.txt" 2>&1
  judge "$program" "$reports/$program.probe.txt" >"$reports/$program.probe"
  cat "$reports/$program.probe"
  grep -q ', 0 failed$' "$reports/$program.probe" || broken=1
done
exit "$broken"
