#!/usr/bin/env bash
# Publishes both programs with Native AOT: eng/publish.sh DIR writes DIR/frps and DIR/frpc, one file each and nothing else.
# Needs the .NET 10 SDK and a C linker (gcc or clang) with zlib's headers. RID chooses another target than this machine's.
set -euo pipefail
[ $# -eq 1 ] || { echo "usage: eng/publish.sh DIR" >&2; exit 2; }
top=$(cd "$(dirname "$0")/.." && pwd)
mkdir -p "$1"
out=$(cd "$1" && pwd)
rid=${RID:-linux-$(uname -m | sed 's/x86_64/x64/; s/aarch64/arm64/')}
linker=()
command -v clang >/dev/null 2>&1 || linker=(-p:CppCompilerAndLinker=gcc)
stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT
for program in frps frpc; do
  dotnet publish "$top/src/$program/$program.csproj" -c Release -r "$rid" -o "$stage/$program" -nologo -v q "${linker[@]}"
  install -m 755 "$stage/$program/$program" "$out/$program"
done
ls -l "$out/frps" "$out/frpc"
