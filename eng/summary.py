#!/usr/bin/env python3
"""Sums up the reports of a test run: summary.py DIR --broken FILE --passed FILE --expected-skips FILE

Reads DIR/*.xml (xunit v2+ reports) and DIR/*.probe (a last line "N passed, N failed"). Lines of the file --broken are steps that
failed outside a test runner, lines of --passed steps that succeeded. Prints what failed and why, the skips with their reasons, and ends
with "N passed, N failed". With CI set, a skip whose test is not listed in --expected-skips counts as a failure.
"""
import argparse, fnmatch, glob, os, re, sys
import xml.etree.ElementTree as ET

ap = argparse.ArgumentParser()
ap.add_argument('dir')
ap.add_argument('--broken')
ap.add_argument('--passed')
ap.add_argument('--expected-skips')
a = ap.parse_args()


def lines(path):
    if not path or not os.path.exists(path):
        return []
    return [line.strip() for line in open(path) if line.strip() and not line.startswith('#')]


def why(test):
    """What a failed test said, where, and the end of its output: enough to tell a race from a machine that stood still."""
    said = [(test.findtext('failure/message') or '').strip(), (test.findtext('failure/stack-trace') or '').strip(), (test.findtext('output') or '').strip()]
    said = said[0].splitlines()[:8] + said[1].splitlines()[:8] + said[2].splitlines()[-20:]
    return [f"took {float(test.get('time') or 0):.1f} s"] + [line[:300] for line in said]


passed, failures, skips, reasons = len(lines(a.passed)), list(lines(a.broken)), [], {}
for path in sorted(glob.glob(os.path.join(a.dir, '*.xml'))):
    suite = os.path.basename(path)[:-4]
    count = 0
    for test in ET.parse(path).iter('test'):
        result, name = test.get('result'), f"{suite}: {test.get('name')}"
        if result == 'Pass':
            count += 1
        elif result == 'Skip':
            reason = test.find('reason')
            skips.append((name, (reason.text or '').strip() if reason is not None else ''))
        elif result != 'NotRun':
            failures.append(name)
            reasons[name] = why(test)
    print(f'{suite}: {count} passed')
    passed += count
for path in sorted(glob.glob(os.path.join(a.dir, '*.probe'))):
    report = open(path).read()
    found = re.findall(r'^(\d+) passed, (\d+) failed$', report, re.M)
    name = os.path.basename(path)
    if not found:
        failures.append(f'{name}: no result')
        continue
    print(f'{name}: {found[-1][0]} passed')
    passed += int(found[-1][0])
    for n in range(int(found[-1][1])):
        failure = f'{name}: {n + 1} of {found[-1][1]}'
        failures.append(failure)
        # The first one tells what the report says of all of them.
        reasons[failure] = [] if n else [line[:300] for line in report.splitlines() if 'FAIL' in line][:20]

expected = lines(a.expected_skips)
for name, reason in skips:
    known = any(fnmatch.fnmatchcase(name, pattern) for pattern in expected)
    print(f"skipped{'' if known else ' (unexpected)'}: {name}: {reason}")
    if os.environ.get('CI') and not known:
        failures.append(f'unexpected skip: {name}')
for failure in failures:
    print(f'FAILED: {failure}')
    for line in reasons.get(failure, ()):
        print(f'    {line}')
print(f'{passed} passed, {len(failures)} failed')
sys.exit(1 if failures else 0)
