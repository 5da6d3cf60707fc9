# shellcheck shell=sh
# Putting files beside the live ones.
# Requires: validate.sh
# Inputs: HD_ROOT

# stage_begin: the folders, and an empty place for what is new.
stage_begin() {
    # What the tools complain of belongs to a message, or nobody reads it.
    emit staging
    # The folder above may be somebody else's: its mode is not ours to change.
    [ -d "${HD_ROOT%/*}" ] || install -d -m 0755 "${HD_ROOT%/*}" || abort failed
    # No user of the node comes in: what keepalived's container writes into track/ is nothing to run.
    install -d -m 0700 "$HD_ROOT" || abort failed
    install -d -m 0755 "$HD_ROOT/haproxy" "$HD_ROOT/keepalived" "$HD_ROOT/track" || abort failed
    rm -rf "$HD_ROOT/.staging"
    mkdir -m 0755 "$HD_ROOT/.staging" || abort failed
}

# track FILE: a track file that is not there yet; what is in one that exists is never touched, since
# a missing or replaced one counts as "not drained".
track() {
    [ -f "$HD_ROOT/track/$1" ] && [ ! -L "$HD_ROOT/track/$1" ] && return 0
    # Not in track/, where the container could make the name a link.
    printf '0\n' >"$HD_ROOT/.staging/$1" || abort failed
    chmod 0644 "$HD_ROOT/.staging/$1" || abort failed
    sync "$HD_ROOT/.staging/$1" || abort failed
    mv -fT "$HD_ROOT/.staging/$1" "$HD_ROOT/track/$1" || abort failed
}

# put PATH MODE CONTENT: a staged file; the content is base64.
put() {
    hd_staged=$HD_ROOT/.staging/$1
    case $1 in */*) install -d -m 0755 "${hd_staged%/*}" || abort failed ;; esac
    printf '%s' "$3" | base64 -d >"$hd_staged" || abort failed
    chmod "$2" "$hd_staged" || abort failed
    sync "$hd_staged" || abort failed
}
