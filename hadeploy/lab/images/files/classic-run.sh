#!/bin/bash
# Stand-in for /container/tool/run of the classic osixia base image, as far as keepalived goes.
#
# It keeps the classic contract: services are copied at the first start only; keepalived is a child
# that gets SIGTERM when we do, and is waited for; SIGHUP to us does not reach it.

run=/container/run
copy=no
command=()

log() { printf '*** %s | %s\n' "$1" "$2" >&2; }

while [ $# -gt 0 ]; do
	case $1 in
	--copy-service) copy=yes ;;
	-l | --loglevel | -o | --run-only | -c | --cmd | --wait-state) shift ;;
	--)
		shift
		command=("$@")
		break
		;;
	-*) ;;
	*)
		command=("$@")
		break
		;;
	esac
	shift
done

# Defaults never override what the container was given.
while IFS='=' read -r name value; do
	[ -n "$name" ] && [ -z "${!name+set}" ] && export "$name=$value"
done </container/environment/99-default/default

CONTAINER_STATE_DIR=$run/state
CONTAINER_SERVICE_DIR=/container/service
mkdir -p "$CONTAINER_STATE_DIR"
if [ "$copy" = yes ]; then
	CONTAINER_SERVICE_DIR=$run/service
	if [ ! -d "$CONTAINER_SERVICE_DIR" ]; then
		mkdir -p "$run"
		cp -a /container/service "$CONTAINER_SERVICE_DIR"
	fi
fi
export CONTAINER_STATE_DIR CONTAINER_SERVICE_DIR
service=$CONTAINER_SERVICE_DIR/keepalived

child=

stop_child() {
	kill -0 "$child" 2>/dev/null || return
	log INFO "stopping keepalived"
	kill -TERM "$child" 2>/dev/null
	for ((tenths = 0; tenths < ${KILL_PROCESS_TIMEOUT:-30} * 10; tenths++)); do
		kill -0 "$child" 2>/dev/null || return
		sleep 0.1
	done
	log WARNING "keepalived did not stop in time"
	kill -KILL "$child" 2>/dev/null
}

finish() { # EXIT-CODE
	trap '' TERM INT
	[ -n "$child" ] && stop_child
	"$service/finish.sh" || :
	kill -TERM -1 2>/dev/null
	exit "$1"
}

# All in the trap: a signal that comes between a test and a wait must not get lost.
trap 'finish 0' TERM INT

if ! "$service/startup.sh"; then
	log ERROR "startup.sh failed"
	exit 1
fi

"$service/process.sh" &
child=$!
if [ ${#command[@]} -gt 0 ]; then
	"${command[@]}" &
fi
wait "$!"
finish "$?"
