#!/usr/bin/env bash
# Proves that nothing of a run is left behind, however it ends: by itself, when
# it is interrupted or told to end, and when it is killed outright. Nothing is:
# no process, no namespace, no mount, no directory (after a kill the next run
# removes that).
set -euo pipefail
cd "$(dirname "$0")/.."

TMPDIR=$(mktemp -d)
export TMPDIR
trap 'rm -rf "$TMPDIR"' EXIT
failed=0

complain() {
	echo "leftovers.sh: $1: $2" >&2
	failed=1
}

# gone WHAT NAMESPACE looks for processes and mounts of a run. The kernel needs
# a moment to end a killed namespace.
gone() {
	local what=$1 namespace=$2 left mounts
	for _ in {1..50}; do
		left=$(pgrep -f "$TMPDIR" || true)
		[[ -z $left ]] && break
		sleep 0.1
	done
	[[ -z $left ]] || complain "$what" "processes are left: $(tr '\n' ' ' <<<"$left")"
	for ns in /proc/[0-9]*/ns/net; do
		[[ $(readlink "$ns" 2>/dev/null) != "$namespace" ]] || complain "$what" "$ns is still in the run's network namespace"
	done
	mounts=$(grep -F "$TMPDIR" /proc/self/mountinfo || true)
	[[ -z $mounts ]] || complain "$what" "mounts are left: $mounts"
}

# directories WHAT looks for what the run wrote.
directories() {
	local left
	left=$(find "$TMPDIR" -mindepth 1 -maxdepth 1 -name 'strake-*')
	[[ -z $left ]] || complain "$1" "directories are left: $left"
}

# until_up LOG waits for the API server of a run and prints its namespace.
until_up() {
	local pid
	for _ in {1..1200}; do
		if grep -q 'kube-apiserver .*up in' "$1"; then
			pid=$(pgrep -f "$TMPDIR/strake-.*/kube-apiserver" | head -1)
			readlink "/proc/$pid/ns/net"
			return
		fi
		sleep 0.1
	done
	cat "$1" >&2
	return 1
}

for signal in INT TERM KILL; do
	log=$TMPDIR/log.$signal
	# A script's background job ignores an interrupt unless it is told otherwise.
	env --default-signal=INT,TERM e2e/rig.sh test -test.run 'TestAPIServer/dev' >"$log" 2>&1 &
	run=$!
	namespace=$(until_up "$log")
	kill -s "$signal" "$run"
	code=0
	wait "$run" || code=$?
	((code != 0)) || complain "$signal" "a run that was ended exits with 0"
	gone "$signal" "$namespace"
	if [[ $signal == KILL ]]; then
		# A killed run cannot remove its directory; the next one does.
		e2e/rig.sh test -test.run '^$' >"$log" 2>&1 || complain "$signal" "the next run fails: $(tail -5 "$log")"
	fi
	directories "$signal"
	((failed)) || echo "ended by $signal: nothing is left"
done

e2e/rig.sh up >"$TMPDIR/log.up" 2>&1 || complain up "$(tail -5 "$TMPDIR/log.up")"
namespace=$(until_up "$TMPDIR/log.up")
e2e/rig.sh exec kubectl get namespace argo >/dev/null || complain up "kubectl does not reach it"
e2e/rig.sh down
gone up "$namespace"
directories up
((failed)) || echo "up and down: nothing is left"
exit "$failed"
