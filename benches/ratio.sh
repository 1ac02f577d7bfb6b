#!/usr/bin/env bash
# Whole-program time and peak memory of callscope beside sngrep, tshark and tcpdump (those that are installed),
# one after the other on the same captures, several rounds; prints the medians and the ratio to callscope.
#   benches/ratio.sh [FOLDER WITH sip.pcap mix.pcap big.pcap tcp.pcap storm.pcap]     ROUNDS=5
set -euo pipefail
cd "$(dirname "$0")/.."
folder=${1:-}
rounds=${ROUNDS:-5}
cargo build --release --quiet
if [ -z "$folder" ]; then
  folder=$(mktemp -d)
  trap 'rm -rf "$folder"' EXIT
  cargo run --release --quiet --example bench-captures -- "$folder" >&2
fi
command -v /usr/bin/time >/dev/null || { echo "needs /usr/bin/time" >&2; exit 2; }

run() { # label, file, command…
  local label=$1 file=$2; shift 2
  local out; out=$(mktemp)
  for _ in $(seq "$rounds"); do
    /usr/bin/time -f '%e %M' -o "$out.one" "$@" >/dev/null 2>&1 </dev/null || true
    tail -n 1 "$out.one" >>"$out"
  done
  local time memory
  time=$(cut -d' ' -f1 "$out" | sort -n | sed -n "$(((rounds + 1) / 2))p")
  memory=$(cut -d' ' -f2 "$out" | sort -n | tail -n 1)
  rm -f "$out" "$out.one"
  [ "$label" = callscope ] && base=$time
  awk -v l="$label" -v f="$(basename "$file")" -v t="$time" -v m="$memory" -v b="$base" \
    'BEGIN { printf "%-10s %-34s %8.2f s %8.1f MB %8.1f x\n", f, l, t, m / 1024, (b > 0 ? t / b : 0) }'
}

base=0
for name in sip mix big tcp storm storm_tcp conferences; do
  file=$folder/$name.pcap
  [ -f "$file" ] || continue
  cat "$file" >/dev/null
  run callscope "$file" ./target/release/callscope summary "$file"
  case $name in conferences) run "callscope conferences" "$file" ./target/release/callscope conferences "$file" ;; esac
  run "callscope json" "$file" ./target/release/callscope summary --format json "$file"
  if command -v tcpdump >/dev/null; then run "tcpdump (copy)" "$file" tcpdump -n -r "$file" -w /dev/null; fi
  if command -v sngrep >/dev/null; then
    run sngrep "$file" env TERM=xterm sngrep -N -q -l 200000 -I "$file" -O /dev/null
  fi
  if command -v tshark >/dev/null && [ -n "${TSHARK:-}" ]; then
    run tshark "$file" tshark -n -r "$file" -q -z sip,stat
  fi
done
