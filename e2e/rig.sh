#!/usr/bin/env bash
# The real control plane in a network and PID namespace of its own, with nothing
# but loopback: nothing in it can be reached or reach outside, and nothing in it
# can outlive it, however it ends.
#
#   e2e/rig.sh test [ARG...]   run the end-to-end tests; ARGs as of a test binary (-test.run REGEX)
#   e2e/rig.sh up              start it and leave it running, with the reference platform applied
#   e2e/rig.sh exec COMMAND... run a command beside it (KUBECONFIG is that of dev; RIG_ENV=prod for another)
#   e2e/rig.sh down            stop it
set -euo pipefail
cd "$(dirname "$0")/.."

export PATH="$PATH:/usr/sbin:/sbin"
temp=${TMPDIR:-/tmp}
state=$temp/strake-rig.$UID

usage() {
	sed -n '2,/^set/{/^#/s/^# \?//p}' "$0" >&2
	exit 2
}

# alive FILE tells whether the process whose number a file holds runs.
alive() {
	local pid
	pid=$(cat "$1" 2>/dev/null) && [[ -n $pid ]] && kill -0 "$pid" 2>/dev/null
}

# sweep removes what runs that were killed outright could not remove.
sweep() {
	local left
	for left in "$temp"/strake-e2e.*; do
		[[ -d $left ]] || continue
		alive "$left/pid" || rm -rf "$left"
	done
}

# assemble puts every program of the rig into one directory.
assemble() {
	local bin=$1 module dir postgres
	mkdir -p "$bin"
	e2e/debian.sh
	e2e/tools.sh kube argocd workflows kwok kustomize
	for module in kube argocd workflows kwok kustomize; do
		dir=$(e2e/tools.sh --dir "$module")
		find "$dir" -type f -perm -u+x -exec ln -sf -t "$bin" {} +
	done
	postgres=$(compgen -G '/usr/lib/postgresql/*/bin' | sort -V | tail -1)
	ln -sf "$postgres"/{initdb,postgres,psql} "$bin"
	make --no-print-directory build
	STRAKE_MOD_ARGOCD=$(e2e/tools.sh --source argocd)
	STRAKE_MOD_WORKFLOWS=$(e2e/tools.sh --source workflows)
	STRAKE_MOD_EXTERNAL_SECRETS=$(e2e/tools.sh --source external-secrets)
	STRAKE_RIG_OUTSIDE=$(readlink /proc/self/ns/mnt) # what is mounted in the rig is mounted in no namespace but its own
	export STRAKE_MOD_ARGOCD STRAKE_MOD_WORKFLOWS STRAKE_MOD_EXTERNAL_SECRETS STRAKE_RIG_OUTSIDE
}

# enclose runs a command in the namespaces, as their first process's child.
# Root keeps its uid; another user keeps his, with rights over the namespace only.
enclose() {
	local -a how=(--net --pid --fork --mount-proc --kill-child=KILL)
	((EUID == 0)) || how+=(--user --map-current-user --keep-caps)
	# shellcheck disable=SC2016
	setpriv --pdeathsig KILL unshare "${how[@]}" bash -c '
		ip link set lo up
		"$@" &
		child=$!
		trap "kill -TERM $child 2>/dev/null" INT TERM HUP
		code=0
		wait "$child" || code=$?
		while kill -0 "$child" 2>/dev/null; do wait "$child" && code=0 || code=$?; done
		exit "$code"
	' rig "$@" &
	local outer=$!
	trap 'pkill -TERM -P "$outer" 2>/dev/null || true' INT TERM HUP
	local code=0
	wait "$outer" || code=$?
	while kill -0 "$outer" 2>/dev/null; do wait "$outer" && code=0 || code=$?; done
	trap - INT TERM HUP
	return "$code"
}

# inside makes a directory for one run and removes it afterwards.
inside() {
	work=$(mktemp -d "$temp/strake-e2e.XXXXXX")
	chmod 0711 "$work" # PostgreSQL runs as another user
	echo $$ >"$work/pid"
	trap 'rm -rf "$work"' EXIT
	assemble "$work/bin"
}

case ${1:-} in
test)
	shift
	sweep
	inside
	${GO:-go} test -c -tags e2e -o "$work/e2e.test" ./e2e
	export STRAKE_RIG_DIR=$work/rig STRAKE_RIG_PATH=$work/bin:$PATH STRAKE_BIN=$PWD/bin/strake STRAKE_ROOT=$PWD
	# Not in a subshell: what is enclosed ends with this process.
	cd e2e
	enclose "$work/e2e.test" -test.v -test.timeout 25m -test.parallel 4 "$@"
	;;
up)
	if alive "$state/pid"; then
		echo "it is up: e2e/rig.sh exec kubectl get pods -A; e2e/rig.sh down"
		exit
	fi
	rm -rf "$state"
	mkdir -m 0711 -p "$state"
	assemble "$state/bin"
	${GO:-go} build -o "$state/rig" ./e2e/rig
	: >"$state/log"
	setsid "$PWD/e2e/rig.sh" serve </dev/null >"$state/log" 2>&1 &
	server=$!
	tail -n +1 -f --pid="$server" "$state/log" &
	until [[ -e $state/ready ]]; do
		kill -0 "$server" 2>/dev/null || {
			wait # for the end of its log
			echo "e2e/rig.sh: it did not come up" >&2
			exit 3
		}
		sleep 0.2
	done
	sleep 1.5 # the rest of its log: tail looks once a second
	kill %% 2>/dev/null || true
	;;
serve) # in the background of up
	echo $$ >"$state/pid"
	trap 'rm -rf "$state"' EXIT
	enclose "$state/rig" --dir "$state/data" --path "$state/bin:$PATH" --strake "$PWD/bin/strake" --root "$PWD" --ready "$state/ready"
	;;
exec)
	shift
	(($#)) || usage
	init=$(pgrep -P "$(pgrep -P "$(cat "$state/pid" 2>/dev/null || echo 0)" -x unshare)" -x bash) || {
		echo "it is not up: e2e/rig.sh up" >&2
		exit 3
	}
	export KUBECONFIG=$state/data/kubeconfig/${RIG_ENV:-dev}-admin.yaml
	PATH=$state/bin:$PATH exec nsenter --target "$init" --net $( ((EUID == 0)) || echo --user --preserve-credentials) "$@"
	;;
down)
	alive "$state/pid" || {
		echo "it is not up"
		exit
	}
	pid=$(cat "$state/pid")
	kill -TERM "$pid"
	for _ in {1..300}; do
		kill -0 "$pid" 2>/dev/null || exit 0
		sleep 0.1
	done
	echo "it does not stop: kill -KILL $pid" >&2
	exit 3
	;;
*) usage ;;
esac
