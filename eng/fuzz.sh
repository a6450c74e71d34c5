#!/usr/bin/env bash
# Fuzzes the parsers of what peers send and files hold (docs/fuzzing.md). TARGET...: all of them when none is named.
#
#   eng/fuzz.sh [--seconds N] [--jobs N] [--keep] [TARGET...]  N seconds of processor time for each target (600), N at a time (1);
#                                      --keep puts the minimised inputs into fuzz/corpus
#   eng/fuzz.sh --short [TARGET...]    2 seconds for each, two at a time, always the same inputs: for CI
#   eng/fuzz.sh --planted [TARGET...]  plants the bug of fuzz/planted/TARGET.patch into a copy, and fuzzes until it is found
#   eng/fuzz.sh --check-planted        whether those patches still apply
#   eng/fuzz.sh --replay [TARGET...]   the corpora through the parsers as they are built for everybody; needs no engine
#   eng/fuzz.sh --coverage [TARGET...] which lines of the parsers the corpora reach; needs no engine
#   --report FILE                      writes "N passed, N failed" into FILE as well
#
# What was found lies in artifacts/fuzz/finds, and the exit code is 1. 2: it could not be run. 3: no engine, and it may not be installed here.
set -uo pipefail
cd "$(dirname "$0")/.."
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1 DOTNET_TieredPGO=0

action=run seconds=600 jobs=1 keep= report= seed= targets=()
while [ $# -gt 0 ]; do
  case $1 in
    --seconds) seconds=$2; shift ;;
    --jobs) jobs=$2; shift ;;
    --report) report=$2; shift ;;
    --keep) keep=1 ;;
    --short) seconds=2 jobs=2 seed=1 ;;
    --planted | --check-planted | --replay | --coverage) action=${1#--} ;;
    -*) sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//;p}' "$0" >&2; exit 2 ;;
    *) targets+=("$1") ;;
  esac
  shift
done

say() { echo "fuzz: $*"; }
fail() { echo "fuzz: $*" >&2; exit 2; }

work=artifacts/fuzz
finds=$PWD/$work/finds
plain=fuzz/Frp.Fuzz/bin/Release/net10.0
instrumented=(Kcp.dll Yamux.dll Frp.Wire.dll Frp.Config.dll Frp.Transport.dll Frp.Proxies.dll Frp.Web.dll Frp.Server.dll Tomlyn.dll YamlDotNet.dll Snappier.dll)

# find_engine: sets engine (libFuzzer without its main) and compiler. Installs them where that is ours to do.
find_engine() {
  local try
  for try in here installed; do
    for compiler in clang++ clang++-{21,20,19,18,17,16,15,14}; do
      command -v "$compiler" >/dev/null || continue
      engine=$("$compiler" -print-file-name="libclang_rt.fuzzer_no_main-$(uname -m).a")
      [ -e "$engine" ] || engine=$("$compiler" -print-runtime-dir)/libclang_rt.fuzzer_no_main-$(uname -m).a
      [ -e "$engine" ] || engine=$("$compiler" -print-runtime-dir)/libclang_rt.fuzzer_no_main.a
      [ -e "$engine" ] && return 0
    done
    [ $try = here ] && command -v apt-get >/dev/null && [ "$(id -u)" -eq 0 ] || break
    say "installing clang and libFuzzer"
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends clang libclang-rt-dev >/dev/null 2>&1 ||
      { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends clang libclang-rt-dev >/dev/null; } || break
  done
  say "skipped: no clang with libFuzzer (Debian: clang, libclang-rt-dev), and it is not ours to install here"
  exit 3
}

# build TREE: builds the targets of a tree.
build() { dotnet build "$1/fuzz/Frp.Fuzz" -c Release -v q >"$work/build.log" 2>&1 || { grep -m 5 error "$work/build.log" >&2; fail "the targets of $1 do not build"; }; }

# prepare TREE FOLDER: copies what was built, lets it count edges, and puts the engine beside it.
prepare() {
  rm -rf "$2" && mkdir -p "$2" && cp -r "$1/$plain/." "$2"
  "$compiler" -x c fuzz/driver/driver.c -x none -shared -fPIC -O2 -o "$2/libfrpfuzz.so" -Wl,--whole-archive "$engine" -Wl,--no-whole-archive -lpthread -ldl -lm ||
    fail "the engine could not be linked"
  "$2/Frp.Fuzz" instrument "${instrumented[@]/#/$2/}" 2>"$work/instrument.log" || { cat "$work/instrument.log" >&2; fail "the assemblies could not be instrumented"; }
}

# fuzz FOLDER TARGET SECONDS QUEUE FINDS: its log is QUEUE.log. The limit in real time is for what counts no processor time: a deadlock.
fuzz() {
  local folder=$1 target=$2 time=$3 queue=$4 found=$5 words
  mkdir -p "$queue" "$found"
  "$folder/Frp.Fuzz" words "$target" >"$queue.words"
  [ -s "$queue.words" ] && words=-dict=$queue.words || words=
  # A stack as the pool's threads have it: what is too deep for them must be too deep here.
  (ulimit -s 1536; exec timeout --foreground $((time * 6 + 120)) nice -n 10 "$folder/Frp.Fuzz" run "$target" "$time" "$found" "$queue" "fuzz/corpus/$target" $words ${seed:+-seed=$seed}) >"$queue.log" 2>&1
}

# fuzz_one TARGET: for xargs.
fuzz_one() {
  local target=$1 queue=$work/queue/$1 code line
  fuzz "$work/bin" "$target" "$seconds" "$queue" "$finds"
  code=$?
  line=$(grep -a '^frp-fuzz' "$queue.log" | tail -n 1)
  if [ "$code" -eq 0 ] && [ -n "$line" ]; then
    echo "ok    ${line#frp-fuzz }"
  else
    echo "FOUND $target (exit code $code) ${line#frp-fuzz }"
    grep -a -A 12 -m 1 -E '^FOUND|ERROR: libFuzzer|Stack overflow|Fatal error|Unhandled' "$queue.log" | cut -c1-300 | sed 's/^/      /'
  fi
}

finish() {  # finish PASSED FAILED
  echo "$1 passed, $2 failed"
  [ -z "$report" ] || echo "$1 passed, $2 failed" >"$report"
  [ "$2" -eq 0 ]
  exit
}

mkdir -p "$work"
[ ${#targets[@]} -gt 0 ] && chosen=1 || chosen=
list() { [ -n "$chosen" ] || mapfile -t targets < <("$plain/Frp.Fuzz" list); }

case $action in
  run)
    find_engine
    build .
    list
    prepare . "$work/bin"
    rm -rf "$work/queue" && mkdir -p "$work/queue" "$finds"
    export -f fuzz fuzz_one; export work finds seconds seed
    printf '%s\n' "${targets[@]}" | xargs -P "$jobs" -I{} bash -c 'fuzz_one {}' | tee "$work/result"
    bad=$(grep -c '^FOUND' "$work/result")
    if [ -n "$keep" ]; then
      for target in "${targets[@]}"; do
        mkdir -p "$work/merged/$target" && rm -f "$work/merged/$target"/*
        "$work/bin/Frp.Fuzz" run "$target" 0 "$finds" -merge=1 "$work/merged/$target" "fuzz/corpus/$target" "$work/queue/$target" >"$work/queue/$target.merge" 2>&1 &&
          [ -n "$(ls -A "$work/merged/$target")" ] || { say "$target: its inputs could not be merged"; continue; }
        # What has a name was put there by hand: regressions stay whatever they cover.
        find "fuzz/corpus/$target" -type f -regextype posix-extended -regex '.*/[0-9a-f]{16,40}' -delete
        # A few hundred, small ones and those that reach far: what a repository can carry, and a replay in seconds.
        (cd "$work/merged/$target" && find . -type f -size -4096c -printf '%s %p\n' | sort -n | cut -d' ' -f2 >../by-size &&
          { head -n 150 ../by-size; tail -n 250 ../by-size; } | sort -u | xargs cp -t "../../../../fuzz/corpus/$target")
      done
    fi
    [ "$bad" -eq 0 ] || ls "$finds"
    finish $(($(grep -c '^ok' "$work/result"))) "$bad"
    ;;
  replay)
    build .
    list
    passed=0 bad=0
    for target in "${targets[@]}"; do
      if "$plain/Frp.Fuzz" replay fuzz/corpus "$target" 2>"$work/replay.log"; then passed=$((passed + 1)); else bad=$((bad + 1)); head -n 20 "$work/replay.log"; fi
    done
    finish $passed $bad
    ;;
  check-planted)
    passed=0 bad=0
    for patch in fuzz/planted/*.patch; do
      if git apply --check "$patch"; then passed=$((passed + 1)); else bad=$((bad + 1)); say "stale: $patch"; fi
    done
    finish $passed $bad
    ;;
  planted)
    find_engine
    [ -n "$chosen" ] || mapfile -t targets < <(basename -as .patch fuzz/planted/*.patch)
    tree=$work/planted/tree passed=0 bad=0
    rm -rf "$work/planted" && mkdir -p "$tree"
    git ls-files -z -co --exclude-standard | tar -c --null -T - | tar -x -C "$tree" || fail "no copy of the tree"
    for target in "${targets[@]}"; do
      patch -s -p1 -d "$tree" <"fuzz/planted/$target.patch" || { echo "FAIL  $target: its patch does not apply"; bad=$((bad + 1)); continue; }
      build "$tree"
      prepare "$tree" "$work/planted/bin"
      rm -rf "$work/planted/queue" "$work/planted/finds"
      fuzz "$work/planted/bin" "$target" "${FRP_FUZZ_PLANTED_SECONDS:-120}" "$work/planted/queue/$target" "$work/planted/finds"
      if [ $? -ne 0 ] && [ -n "$(ls -A "$work/planted/finds")" ]; then
        passed=$((passed + 1))
        echo "ok    $target: found after $(grep -a '^frp-fuzz' "$work/planted/queue/$target.log" | tail -n 1 | sed 's/.*executions=\([0-9]*\) cpu=\([0-9.]*\).*/\1 executions, \2 s/')"
      else
        bad=$((bad + 1))
        echo "FAIL  $target: the planted bug was not found"
      fi
      patch -s -R -p1 -d "$tree" <"fuzz/planted/$target.patch" || fail "$target: its patch does not come off"
    done
    finish $passed $bad
    ;;
  coverage)
    build .
    list
    rm -rf "$work/coverage" && mkdir -p "$work/coverage" && cp -r "$plain" "$work/coverage/bin"
    dotnet build fuzz/coverage.proj -v q -p:Binaries="$PWD/$work/coverage/bin" -p:Replay="replay fuzz/corpus ${targets[*]}" -p:Report="$PWD/$work/coverage/lines.xml" >"$work/coverage.log" 2>&1 ||
      { tail -n 20 "$work/coverage.log"; fail "the lines could not be counted"; }
    for target in "${targets[@]}"; do "$plain/Frp.Fuzz" sources "$target"; done | sort -u >"$work/coverage/sources"
    python3 eng/fuzz-coverage.py "$work/coverage/lines.xml" "$work/coverage/sources"
    ;;
esac
