#!/usr/bin/env bash
# A tunnel in one command: builds frps and frpc, starts them with a small local web service, and shows where to reach it.
#   ./demo.sh           runs until Ctrl-C
#   ./demo.sh --check   sends one request through the tunnel, prints the answer, and ends with 0; with 1 after a minute
set -euo pipefail
cd "$(dirname "$0")"
check=false
case "${1:-}" in
  --check) check=true ;;
  "") ;;
  *) echo "usage: ./demo.sh [--check]" >&2; exit 2 ;;
esac

work=$(mktemp -d)
children=()
cleanup() {
  trap - EXIT INT TERM
  [ ${#children[@]} -eq 0 ] || { kill "${children[@]}" 2>/dev/null || true; wait "${children[@]}" 2>/dev/null || true; }
  rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

fail() { echo "demo: $*" >&2; for log in "$work"/*.log; do [ -s "$log" ] && { echo "--- $(basename "$log")" >&2; tail -n 20 "$log" >&2; }; done; exit 1; }
taken() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }
# Three in a row, below those that systems give to outgoing connections: one of these is not listened on, and yet not to be had.
free_ports() {
  local first
  while :; do
    first=$((20000 + RANDOM % 12000))
    taken "$first" || taken $((first + 1)) || taken $((first + 2)) || { echo "$first $((first + 1)) $((first + 2))"; return; }
  done
}
wait_for() {  # wait_for SECONDS WHAT COMMAND...
  local seconds=$1 what=$2 deadline=$((SECONDS + $1)); shift 2
  until "$@"; do
    [ "$SECONDS" -lt "$deadline" ] || fail "no $what within $seconds s"
    local child; for child in "${children[@]}"; do kill -0 "$child" 2>/dev/null || fail "a program ended before there was a $what"; done
    sleep 0.1
  done
}
get() { exec 3<>"/dev/tcp/127.0.0.1/$1" && printf 'GET / HTTP/1.0\r\nHost: demo\r\n\r\n' >&3 && timeout 10 cat <&3; }

echo "building ..."
dotnet build src/frps -c Release -nologo -v q >"$work/build.log" && dotnet build src/frpc -c Release -nologo -v q >>"$work/build.log" \
  && dotnet build samples/HelloService -c Release -nologo -v q >>"$work/build.log" || fail "the build failed"
SECONDS=0

read -r service bind public < <(free_ports)
cat >"$work/frps.toml" <<CONF
bindAddr = "127.0.0.1"
bindPort = $bind
auth.token = "demo"
CONF
cat >"$work/frpc.toml" <<CONF
serverAddr = "127.0.0.1"
serverPort = $bind
auth.token = "demo"

[[proxies]]
name = "web"
type = "tcp"
localPort = $service
remotePort = $public
CONF
run() { local name=$1; shift; "$@" >"$work/$name.log" 2>&1 & children+=($!); }
run service samples/HelloService/bin/Release/net10.0/HelloService "$service"
run frps src/frps/bin/Release/net10.0/frps -c "$work/frps.toml"
wait_for 30 "listening frps" taken "$bind"
run frpc src/frpc/bin/Release/net10.0/frpc -c "$work/frpc.toml"
wait_for 30 "proxy" grep -q 'start proxy success' "$work/frpc.log"
wait_for 30 "local service" taken "$service"

echo
echo "  local service    http://127.0.0.1:$service/"
echo "  through frp      http://127.0.0.1:$public/    (user -> frps -> frpc -> service)"
echo "  frps listens on  127.0.0.1:$bind"
echo
if $check; then
  answer=$(get "$public") || fail "no answer through the tunnel"
  echo "$answer"
  grep -q '200 OK' <<<"$answer" || fail "the answer is not what the service sends"
  [ "$SECONDS" -lt 60 ] || fail "it took longer than a minute"
  exit 0
fi
echo "a request through the tunnel:"
get "$public" | sed 's/^/    /'
echo
echo "Ctrl-C ends it."
while :; do sleep 3600 & wait $! || true; done
