#!/usr/bin/env bash
# Installs the components that come from Debian, when they are missing: etcd,
# redis, PostgreSQL, and what makes the namespace. Their services are not
# started: the rig runs the programs itself.
set -euo pipefail

export PATH="$PATH:/usr/sbin:/sbin"
packages=()
need() { command -v "$1" >/dev/null || packages+=("$2"); }
need etcd etcd-server
need redis-server redis-server
need ip iproute2
need unshare util-linux
need git git
compgen -G '/usr/lib/postgresql/*/bin/postgres' >/dev/null || packages+=(postgresql)
((${#packages[@]})) || exit 0

if ! command -v apt-get >/dev/null; then
	echo "e2e/debian.sh: missing ${packages[*]}, and there is no apt-get: install them" >&2
	exit 3
fi
if ((EUID != 0)); then
	echo "e2e/debian.sh: missing ${packages[*]}: sudo apt-get install --no-install-recommends ${packages[*]}" >&2
	exit 3
fi
echo "installing ${packages[*]}"
# A package's own server is neither started now nor at boot.
policy=/usr/sbin/policy-rc.d
made=
if [[ ! -e $policy ]]; then
	printf '#!/bin/sh\nexit 101\n' >"$policy"
	chmod +x "$policy"
	made=yes
fi
trap '[[ -z $made ]] || rm -f "$policy"' EXIT
export DEBIAN_FRONTEND=noninteractive
apt-get install -yq --no-install-recommends "${packages[@]}" || {
	apt-get update -q
	apt-get install -yq --no-install-recommends "${packages[@]}"
}
