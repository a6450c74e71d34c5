#!/usr/bin/env bash
# Installs the foreign programs that the tests talk to, where this user may; says what is missing otherwise. Starts no service.
set -euo pipefail
packages=(golang-go golang-github-hashicorp-yamux-dev golang-github-golang-snappy-dev python3-cryptography python3-snappy
  haproxy nginx-light redis-server redis-tools bind9-dnsutils dnsmasq-base openssh-client openssh-server openssl curl wrk chromium gcc zlib1g-dev
  zsh fish)
missing=()
for package in "${packages[@]}"; do
  dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
done
[ ${#missing[@]} -gt 0 ] || { echo "everything is there"; exit 0; }
if ! command -v apt-get >/dev/null || [ "$(id -u)" -ne 0 ]; then
  echo "not installed, and not ours to install here: ${missing[*]} (the tests that need them are skipped)"
  exit 0
fi
echo "installing ${missing[*]}"
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  printf '#!/bin/sh\nexit 101\n' >"$policy"
  chmod +x "$policy"
  trap 'rm -f "$policy"' EXIT
fi
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
offered=()
for package in "${missing[@]}"; do
  if [[ $(LC_ALL=C apt-cache policy "$package") == *"Candidate: "[!\(]* ]]; then
    offered+=("$package")
  else
    echo "not offered by this distribution: $package (the tests that need it are skipped)"
  fi
done
[ ${#offered[@]} -eq 0 ] || apt-get install -y -qq --no-install-recommends "${offered[@]}" >/dev/null
