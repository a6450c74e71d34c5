#!/usr/bin/env bash
# Besieges a server for a while and shows what a healthy tunnel notices: eng/siege.sh DIR [SECONDS]; DIR holds frps and frpc.
# Fails when the tunnel has errors, when honest clients are turned away, or when the server's memory or descriptors do not come back.
set -euo pipefail
dir=$(realpath "${1:?the folder of frps and frpc}")
cd "$(dirname "$0")/.."
FRP_PROGRAMS="$dir" dotnet run --project eng/Siege -c Release -v q -- "${2:-60}"
