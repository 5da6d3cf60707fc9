#!/bin/bash
# Stand-in for /usr/sbin/container of the new osixia base image, as far as keepalived goes.
#
# It keeps the new contract: the configuration is the file in KEEPALIVED_CONF, made from a template
# only if it is not there; a watcher reloads keepalived by itself whenever that file changes; a
# process that ends is started again; SIGTERM ends all, within 15 s.
#
# usage: container entrypoint [OPTION...] [-- KEEPALIVED-ARGUMENT...] | container logger LEVEL TEXT...

processes=/run/container/processes

log() { printf '%s %-7s %s\n' "$(date +%FT%TZ)" "${1^^}" "$2" >&2; }

load_defaults() {
	local name value
	while IFS='=' read -r name value; do
		[ -n "$name" ] && [ -z "${!name+set}" ] && export "$name=$value"
	done </container/environment/.env
}

write_configuration() {
	[ -e "$KEEPALIVED_CONF" ] && return
	log info "generating $KEEPALIVED_CONF"
	mkdir -p "${KEEPALIVED_CONF%/*}"
	sed \
		-e "s|{{ KEEPALIVED_INTERFACE }}|$KEEPALIVED_INTERFACE|g" \
		-e "s|{{ KEEPALIVED_STATE }}|$KEEPALIVED_STATE|g" \
		-e "s|{{ KEEPALIVED_ROUTER_ID }}|$KEEPALIVED_ROUTER_ID|g" \
		-e "s|{{ KEEPALIVED_PRIORITY }}|$KEEPALIVED_PRIORITY|g" \
		-e "s|{{ KEEPALIVED_PASSWORD }}|$KEEPALIVED_PASSWORD|g" \
		-e "s|{{ KEEPALIVED_UNICAST_PEERS }}|$KEEPALIVED_UNICAST_PEERS|g" \
		-e "s|{{ KEEPALIVED_VIRTUAL_IPS }}|$KEEPALIVED_VIRTUAL_IPS|g" \
		-e "s|{{ KEEPALIVED_NOTIFY }}|${KEEPALIVED_NOTIFY_SCRIPT:+notify \"$KEEPALIVED_NOTIFY_SCRIPT\"}|g" \
		"$KEEPALIVED_CONF_TEMPLATE" >"$KEEPALIVED_CONF"
}

start() { # NAME COMMAND...
	local name=$1
	shift
	"$@" &
	pids[$name]=$!
	echo "${pids[$name]}" >"$processes/$name.pid"
}

start_keepalived() {
	start keepalived /usr/local/sbin/keepalived -f "$KEEPALIVED_CONF" \
		--dont-fork --log-console "${arguments[@]}"
}

start_watcher() { start keepalived-conf "$0" watch "$KEEPALIVED_CONF"; }

# The folder is watched, not the file: a configuration swapped in by a rename is a new file.
watch_configuration() {
	local file
	inotifywait -q -m -e close_write,moved_to --format %f "${KEEPALIVED_CONF%/*}" |
		while read -r file; do
			if [ "$file" = "${KEEPALIVED_CONF##*/}" ]; then
				log info "$KEEPALIVED_CONF changed"
				"$KEEPALIVED_CONF_RELOAD_SCRIPT"
			fi
		done
}

run_entrypoint() {
	while [ $# -gt 0 ]; do
		case $1 in
		--)
			shift
			arguments=("$@")
			break
			;;
		-[tocx137i] | --*-timeout | --service | --log-level | --install-packages) shift ;;
		-*) ;;
		*) exec "$@" ;;
		esac
		shift
	done
	# All in the trap: a signal that comes between a test and a wait must not get lost.
	trap stop_all TERM INT
	mkdir -p "$processes"
	write_configuration
	start_keepalived
	start_watcher
	while :; do
		wait -n
		if ! kill -0 "${pids[keepalived]}" 2>/dev/null; then
			log warning "keepalived ended, starting it again"
			sleep 1
			start_keepalived
		fi
		if ! kill -0 "${pids[keepalived-conf]}" 2>/dev/null; then
			sleep 1
			start_watcher
		fi
	done
}

stop_all() {
	trap '' TERM INT
	log info "stopping"
	kill -TERM -1 2>/dev/null
	for ((tenths = 0; tenths < 150; tenths++)); do
		kill -0 "${pids[keepalived]}" 2>/dev/null || exit 0
		sleep 0.1
	done
	kill -KILL -1 2>/dev/null
	exit 0
}

declare -A pids=()
arguments=()
load_defaults
case ${1-} in
entrypoint)
	shift
	run_entrypoint "$@"
	;;
watch) watch_configuration ;;
logger)
	level=$2
	shift 2
	log "$level" "$*"
	;;
*)
	echo "usage: container entrypoint [OPTION...] [-- ARGUMENT...]" >&2
	exit 1
	;;
esac
