#!/usr/bin/env bash
# CPU time of checking every overlay: strake once, against kustomize | conftest
# once per overlay, in one run on one machine. Only the ratio means something.
set -euo pipefail
cd "$(dirname "$0")/.."
repo=$PWD
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
environments=${1:-10}

cpu() { # seconds of user and system time of a command, children included
	local TIMEFORMAT='%U %S'
	{ time "$@" >"$work/out" 2>"$work/err" || true; } 2>&1 | awk '{print $1 + $2}'
}

mkdir "$work/platform" && cd "$work/platform"
"$repo/bin/strake" init --quiet --name bench >/dev/null
awk -v n="$environments" '
	/^  environments:/ { print; for (i = 1; i <= n; i++) printf "    - {name: env%d}\n", i; skip = 1; next }
	skip && /^    - / { next }
	{ skip = 0; print }' environments/platform.yaml >"$work/spec" && mv "$work/spec" environments/platform.yaml
rm -rf overlays environments/dev environments/staging environments/prod base
"$repo/bin/strake" render --quiet

rival() {
	local dir
	for dir in overlays/*/*/; do
		"$repo/bin/kustomize" build "$dir" | "$repo/bin/conftest" test --quiet --policy "$repo/e2e/bench/policy" -
	done
}

overlays=$(printf '%s\n' overlays/*/*/ | wc -l)
theirs=$(cpu rival)
ours=$(cpu "$repo/bin/strake" check --quiet)
awk -v o="$ours" -v t="$theirs" -v n="$overlays" -v e="$environments" 'BEGIN {
	printf "%d environments, %d overlays\n", e, n
	printf "kustomize build | conftest   %6.2f s of CPU\n", t
	printf "strake check                 %6.2f s of CPU\n", o
	printf "ratio                        %6.1f\n", t / o
}'
