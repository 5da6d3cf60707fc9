# shellcheck shell=sh
# Putting files beside the live ones and asking the real programs what they think of them.
# Given: HD_ROOT.

# stage_begin: the folders, and an empty place for what is new.
stage_begin() {
    # What the tools complain of belongs to a message, or nobody reads it.
    emit staging
    # The folder above may be somebody else's: its mode is not ours to change.
    [ -d "${HD_ROOT%/*}" ] || install -d -m 0755 "${HD_ROOT%/*}" || fail
    # No user of the node comes in: what keepalived's container writes into track/ is nothing to run.
    install -d -m 0700 "$HD_ROOT" || fail
    install -d -m 0755 "$HD_ROOT/haproxy" "$HD_ROOT/keepalived" "$HD_ROOT/track" || fail
    rm -rf "$HD_ROOT/.staging"
    mkdir -m 0755 "$HD_ROOT/.staging" || fail
}

# track FILE: a track file that is not there yet; what is in one that exists is never touched, since
# a missing or replaced one counts as "not drained".
track() {
    [ -f "$HD_ROOT/track/$1" ] && [ ! -L "$HD_ROOT/track/$1" ] && return 0
    # Not in track/, where the container could make the name a link.
    printf '0\n' >"$HD_ROOT/.staging/$1" || fail
    chmod 0644 "$HD_ROOT/.staging/$1" || fail
    sync "$HD_ROOT/.staging/$1" || fail
    mv -fT "$HD_ROOT/.staging/$1" "$HD_ROOT/track/$1" || fail
}

# put PATH MODE CONTENT: a staged file; the content is base64.
put() {
    hd_staged=$HD_ROOT/.staging/$1
    case $1 in */*) install -d -m 0755 "${hd_staged%/*}" || fail ;; esac
    printf '%s' "$3" | base64 -d >"$hd_staged" || fail
    chmod "$2" "$hd_staged" || fail
    sync "$hd_staged" || fail
}

# given FILE COMMAND...: a file in base64 on the stdin of a command.
given() {
    hd_given=$1
    shift
    { printf '%s' "$hd_given" | base64 -d; } 2>/dev/null | "$@"
}

# validate ROLE FILE COMMAND...: fails with the program's own words. FILE, in base64, is for its stdin.
validate() {
    hd_role=$1
    hd_file=$2
    shift 2
    emit validating "$hd_role"
    # What the engine's client has to warn of is not what the program says.
    brief 65536 given "$hd_file" timeout 60 "$@"
    hd_said=$(printf '%s\n' "$hd_said" | grep -v '^WARNING: ')
    printf '%s\n' "$hd_said"
    # The engine could not run it at all (docker-run(1), EXIT STATUS); the last two may also be the
    # program's own.
    case $hd_code:$hd_said in
    124:* | 125:* | 12[67]:*'docker: '*)
        emit unrunnable "$hd_role"
        emit end
        exit 1
        ;;
    esac
    # keepalived 2.0 calls a file with an unknown keyword good; but it says something about it.
    [ "$hd_role" = keepalived ] && [ -n "$hd_said" ] && hd_code=1
    [ "$hd_code" -eq 0 ] && return 0
    emit refused "$hd_role" "$hd_code"
    emit end
    exit 1
}

fail() {
    emit failed
    emit end
    exit 1
}
