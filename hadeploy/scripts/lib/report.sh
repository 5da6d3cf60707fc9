# shellcheck shell=sh
# The first part of every script: a known environment, and messages that noise cannot imitate.
# The session sets HD_TOKEN.

LC_ALL=C
PATH=$PATH:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export LC_ALL PATH
unset DOCKER_HOST
export DOCKER_CONTEXT=default
umask 077
# If the connection is lost, the script still finishes or restores its part.
trap '' PIPE HUP
exec 2>&1

NEWLINE='
'

# emit KIND [WORD...]: one message; the lines printed after it are its body. It is one write, so the output
# of other processes does not come in between.
emit() { printf '\n@%s %s\n' "$HD_TOKEN" "$*"; }

# abort [KIND [WORD...]]: ends the script, with this message before the last one.
abort() {
    [ $# -eq 0 ] || emit "$@"
    emit end
    exit 1
}

have() { command -v "$1" >/dev/null 2>&1; }

# durable PATH...: writes them, and everything below them, to the disk. This must precede a rename: after a
# power cut, the new name may exist without the contents of the file.
durable() { find "$@" -exec sync {} +; }

quietly() { "$@" >/dev/null; }

# matches GREP-ARGUMENT...: as grep -q, but reads to the end: with SIGPIPE ignored, the writing program would
# print an error.
# shellcheck disable=SC2143
matches() { [ -n "$(grep "$@")" ]; }

# read_at_most BYTES FILE: for a file that a container can write: follows no link, which could lead anywhere on
# the node, and does not wait for a pipe.
read_at_most() { dd if="$2" iflag=nofollow,nonblock,fullblock bs="$1" count=1 status=none 2>/dev/null; }

# last_bytes BYTES COMMAND...: the end of the output of a command, which may run for 10 s.
last_bytes() {
    hd_bytes=$1
    shift
    timeout 10 "$@" 2>&1 | tail -c "$hd_bytes"
}

# capture BYTES COMMAND...: returns the exit code of the command, also in hd_code, with the output in hd_output;
# fails if the output is longer than BYTES.
capture() {
    hd_most=$1
    shift
    hd_output=$({ "$@" 2>&1 && printf '\n0' || printf '\n%s' "$?"; } 2>/dev/null | head -c "$hd_most")
    hd_code=${hd_output##*"$NEWLINE"}
    hd_output=${hd_output%"$NEWLINE"*}
    case $hd_code in '' | *[!0-9]*) hd_code=1 ;; esac
    return "$hd_code"
}
