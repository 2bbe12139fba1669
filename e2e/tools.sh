#!/usr/bin/env bash
# Builds the programs that the end-to-end tests run: each module under
# e2e/tools/ once per content of its go.mod and go.sum, into a cache that
# outlives the clone. What stands there already is not built again.
#
#   e2e/tools.sh              every module
#   e2e/tools.sh kube kwok    these modules
#   e2e/tools.sh --dir kube   where the module's programs are, built or not
#   e2e/tools.sh --source argocd   where the source of the pinned module is
#
# The cache is $STRAKE_TOOLS, else strake/tools in the user's cache directory.
set -euo pipefail
cd "$(dirname "$0")/tools"

go=${GO:-go}
cache=${STRAKE_TOOLS:-${XDG_CACHE_HOME:-$HOME/.cache}/strake/tools}

# The recipe of a module: its main packages as NAME=PACKAGE, and the version
# that the programs shall report, which a build from a module does not know.
recipe() {
	local version
	case $1 in
	kube)
		version=$(required k8s.io/kubernetes)
		for name in kube-apiserver kube-controller-manager kube-scheduler kubectl; do
			echo "$name=k8s.io/kubernetes/cmd/$name"
		done
		for package in k8s.io/component-base/version k8s.io/client-go/pkg/version; do
			for setting in "gitVersion=$version" gitMajor=1 "gitMinor=$(cut -d. -f2 <<<"$version")" gitTreeState=clean; do
				echo "-X $package.$setting"
			done
		done
		;;
	argocd)
		echo argocd=github.com/argoproj/argo-cd/v2/cmd
		version=$(required github.com/argoproj/argo-cd/v2)
		echo "-X github.com/argoproj/argo-cd/v2/common.version=${version#v}"
		;;
	workflows)
		echo workflow-controller=github.com/argoproj/argo-workflows/v3/cmd/workflow-controller
		echo "-X github.com/argoproj/argo-workflows/v3.version=$(required github.com/argoproj/argo-workflows/v3)"
		;;
	kwok) echo kwok=sigs.k8s.io/kwok/cmd/kwok ;;
	kustomize) echo kustomize=sigs.k8s.io/kustomize/kustomize/v5 ;;
	conftest) echo conftest=github.com/open-policy-agent/conftest ;;
	external-secrets) ;; # its source is read, nothing is built
	*)
		echo "e2e/tools.sh: no recipe for module $1" >&2
		return 1
		;;
	esac
}

# required MODULE prints the version that the go.mod at hand asks for.
required() { awk -v m="$1" '$1 == m || ($1 == "require" && $2 == m) { print $NF == "indirect" ? $2 : $NF; exit }' "$module/go.mod"; }

# place prints the directory of a module's programs: another go.mod, go.sum,
# recipe or Go is another directory.
place() {
	local key
	key=$(cat "$module/go.mod" "$module/go.sum" <(recipe "$module") <("$go" env GOVERSION GOOS GOARCH) | sha256sum | cut -c1-12)
	echo "$cache/$module-$key"
}

# progress tells every half minute how far a build is: the log has a line per
# package.
progress() {
	local started=$SECONDS
	while sleep 30; do
		echo "  $module: $(wc -l <"$1") packages compiled, $((SECONDS - started)) s"
	done
}

build() {
	local dir=$1 work started=$SECONDS log name package line teller
	local -a flags=(-s -w)
	local -A programs=()
	while read -r line; do
		case $line in
		-X*) flags+=("$line") ;;
		*=*) programs[${line%%=*}]=${line#*=} ;;
		esac
	done < <(recipe "$module")

	mkdir -p "$cache"
	work=$(mktemp -d "$cache/.$module.XXXXXX")
	log=$work/build.log
	touch "$log"
	echo "$module: building ${!programs[*]}"
	progress "$log" &
	teller=$!
	for name in "${!programs[@]}"; do
		package=${programs[$name]}
		if ! (cd "$module" && CGO_ENABLED=0 "$go" build -v -ldflags "${flags[*]}" -o "$work/$name" "$package") >>"$log" 2>&1; then
			stop "$teller"
			tail -n 40 "$log" >&2
			echo "e2e/tools.sh: module e2e/tools/$module: $package does not build (the last lines are above, all of them in $log)" >&2
			return 1
		fi
	done
	stop "$teller"
	# The directory appears whole or not at all.
	rm -rf "$dir"
	mv "$work" "$dir"
	echo "$module: built in $((SECONDS - started)) s: $dir"
}

stop() {
	pkill -P "$1" 2>/dev/null || true
	kill "$1" 2>/dev/null || true
	wait "$1" 2>/dev/null || true
}

if [[ ${1:-} == --dir ]]; then
	module=$2
	place
	exit
fi

# The manifests that the tests apply are those of the pinned module. Asking
# downloads it, verified by go.sum, unless the module cache has it.
if [[ ${1:-} == --source ]]; then
	module=$2
	case $module in
	argocd) path=github.com/argoproj/argo-cd/v2 ;;
	workflows) path=github.com/argoproj/argo-workflows/v3 ;;
	external-secrets) path=github.com/external-secrets/external-secrets ;;
	*)
		echo "e2e/tools.sh: nothing reads the source of module $module" >&2
		exit 2
		;;
	esac
	(cd "$module" && "$go" mod download -json "$path") | sed -n 's/^\t"Dir": "\(.*\)",$/\1/p'
	exit
fi

modules=("$@")
((${#modules[@]})) || modules=(*/)
started=$SECONDS
mkdir -p "$cache"
exec 9>"$cache/.lock"
if ! flock -n 9; then
	echo "another build of the tools is under way: waiting for it"
	flock 9
fi
for module in "${modules[@]%/}"; do
	dir=$(place)
	if [[ -z $(recipe "$module") ]]; then
		continue
	elif [[ -d $dir ]]; then
		echo "$module: $dir"
	else
		build "$dir"
	fi
done
echo "tools: $((SECONDS - started)) s"
