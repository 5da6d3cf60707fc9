# shellcheck shell=sh
# Which processes have a socket.

# pids_in TEXT: of the processes that ss names in it, as words "pid=1".
pids_in() { printf '%s\n' "$1" | grep -o 'pid=[0-9]*' | sort -u; }

# listeners PORT: the processes that listen on it, in the same form.
listeners() { pids_in "$(ss -Hltnp "sport = :$1")"; }
