#!/usr/bin/env python3
"""Which lines of the fuzzed sources a replay reached: fuzz-coverage.py REPORT SOURCES

REPORT is in the format of Cobertura; SOURCES has a path below src on each line, of a file or, with a slash at its end, of a folder.
Prints a table in Markdown.
"""
import sys
import xml.etree.ElementTree as ET

report, sources = sys.argv[1:]
root = ET.parse(report).getroot()
prefix = next((s.text or '' for s in root.iter('source')), '')
hits = {}  # of each file below src: line -> times
for one in root.iter('class'):
    path = (prefix + one.get('filename')).replace('\\', '/')
    lines = hits.setdefault(path.rsplit('/src/', 1)[-1], {})
    for line in one.iter('line'):
        number = int(line.get('number'))
        lines[number] = max(lines.get(number, 0), int(line.get('hits')))

print('| source | lines reached |')
print('|---|---|')
all_total = all_reached = 0
for source in (line.strip() for line in open(sources)):
    files = [lines for path, lines in hits.items() if path == source or (source.endswith('/') and path.startswith(source))]
    total = sum(len(lines) for lines in files)
    reached = sum(1 for lines in files for times in lines.values() if times)
    all_total += total
    all_reached += reached
    print(f'| `{source}` | {reached} of {total}, {100 * reached // total} % |' if total else f'| `{source}` | no code |')
print(f'| all of them | {all_reached} of {all_total}, {100 * all_reached // max(all_total, 1)} % |')
