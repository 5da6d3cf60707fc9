#!/bin/sh
# Install by apt what the lab needs on a Debian machine, when it is missing; with --tests, what the
# tests need too.
#
# No service is started: while packages are being installed, a policy-rc.d (put there by us if there
# is none, and only then removed) forbids it. Needs root. A second run does nothing.
set -eu

packages='python3-venv docker.io openssh-server openssh-client iproute2 mmdebstrap curl procps
ca-certificates sudo'
[ "${1:-}" = --tests ] && packages="$packages haproxy keepalived shellcheck docker-registry skopeo tcsh nftables ipset
fish chromium chromium-driver"
mark='# put here by hadeploy, install-debian.sh'
policy=/usr/sbin/policy-rc.d

missing() {
	for package in $packages; do
		# ${db:…} is dpkg's own notation.
		# shellcheck disable=SC2016
		status=$(dpkg-query --show --showformat='${db:Status-Status}' "$package" 2>/dev/null || :)
		[ "$status" = installed ] || printf '%s ' "$package"
	done
}

forbid_services() {
	# One of ours may be left over from a run that was killed.
	[ -e "$policy" ] && ! grep -q "$mark" "$policy" && return
	trap 'rm -f "$policy"' EXIT
	trap 'exit 130' INT TERM HUP
	printf '#!/bin/sh\n%s\nexit 101\n' "$mark" >"$policy"
	chmod 755 "$policy"
}

wanted=$(missing)
if [ -z "$wanted" ]; then
	exit 0
fi
if ! command -v apt-get >/dev/null; then
	echo "install-debian.sh: this is not Debian; install the counterparts of: $wanted" >&2
	exit 1
fi
if [ "$(id -u)" -ne 0 ]; then
	echo "install-debian.sh: needs root to install: $wanted" >&2
	exit 1
fi

forbid_services
export DEBIAN_FRONTEND=noninteractive
# Another apt (a machine's first boot, unattended upgrades) may hold the lock: wait for it.
apt() { apt-get -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 -q -y "$@"; }
apt update
# shellcheck disable=SC2086  # a list of words
apt install --no-install-recommends $wanted
