# shellcheck shell=sh
# The first part of every script: a known environment, and a way to report that noise cannot imitate.
# The session sets HD_TOKEN.

LC_ALL=C
PATH=$PATH:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export LC_ALL PATH
unset DOCKER_HOST
export DOCKER_CONTEXT=default
umask 077
# A node's work goes on to its end, or back to its beginning, when nobody listens any more.
trap '' PIPE HUP
exec 2>&1

NEWLINE='
'

# emit KIND [WORD...]: one message; what is printed next is its body. It is one write: what others
# print at the same time does not come in between.
emit() { printf '\n@%s %s\n' "$HD_TOKEN" "$*"; }

# abort [KIND [WORD...]]: ends the script, with that message before the last one.
abort() {
    [ $# -eq 0 ] || emit "$@"
    emit end
    exit 1
}

have() { command -v "$1" >/dev/null 2>&1; }

# durable PATH...: they, and all below them, are on the disk. Only then may a rename let them count: a
# power cut may keep the new name and lose what the file has in it.
durable() { find "$@" -exec sync {} +; }

quietly() { "$@" >/dev/null; }

# matches GREP-ARGUMENT...: as grep -q, but reads to the end: with SIGPIPE ignored, whatever still writes
# would print an error.
# shellcheck disable=SC2143
matches() { [ -n "$(grep "$@")" ]; }

# read_at_most BYTES FILE: of one that a container can write: by no link, which could lead anywhere on the
# node, and without waiting for a pipe.
read_at_most() { dd if="$2" iflag=nofollow,nonblock,fullblock bs="$1" count=1 status=none 2>/dev/null; }

# last_bytes BYTES COMMAND...: the end of what it prints in 10 s.
last_bytes() {
    hd_bytes=$1
    shift
    timeout 10 "$@" 2>&1 | tail -c "$hd_bytes"
}

# capture BYTES COMMAND...: its exit code, also in hd_code, and what it prints in hd_output; it fails if that is more.
capture() {
    hd_most=$1
    shift
    hd_output=$({ "$@" 2>&1 && printf '\n0' || printf '\n%s' "$?"; } 2>/dev/null | head -c "$hd_most")
    hd_code=${hd_output##*"$NEWLINE"}
    hd_output=${hd_output%"$NEWLINE"*}
    case $hd_code in '' | *[!0-9]*) hd_code=1 ;; esac
    return "$hd_code"
}
