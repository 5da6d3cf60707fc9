# shellcheck shell=sh
# Put new files beside the live ones.
# Requires: validate.sh
# Inputs: HD_ROOT

# stage_begin: creates the folders, and an empty staging folder.
stage_begin() {
    # Errors of the tools must be below a message, or they count as noise.
    emit staging
    # An existing parent folder keeps its mode: it may not be ours.
    [ -d "${HD_ROOT%/*}" ] || install -d -m 0755 "${HD_ROOT%/*}" || abort failed
    # Users of the node have no access: the container of keepalived could put programs into track/.
    install -d -m 0700 "$HD_ROOT" || abort failed
    install -d -m 0755 "$HD_ROOT/haproxy" "$HD_ROOT/keepalived" "$HD_ROOT/track" || abort failed
    rm -rf "$HD_ROOT/.staging"
    mkdir -m 0755 "$HD_ROOT/.staging" || abort failed
}

# track FILE: creates a track file if it is missing. It never replaces one, since a missing or replaced
# track file counts as "not drained".
track() {
    [ -f "$HD_ROOT/track/$1" ] && [ ! -L "$HD_ROOT/track/$1" ] && return 0
    # Not written in track/, where the container could make the name a link.
    printf '0\n' >"$HD_ROOT/.staging/$1" || abort failed
    chmod 0644 "$HD_ROOT/.staging/$1" || abort failed
    sync "$HD_ROOT/.staging/$1" || abort failed
    mv -fT "$HD_ROOT/.staging/$1" "$HD_ROOT/track/$1" || abort failed
}

# put PATH MODE CONTENT: writes a staged file; the content is base64.
put() {
    hd_staged=$HD_ROOT/.staging/$1
    case $1 in */*) install -d -m 0755 "${hd_staged%/*}" || abort failed ;; esac
    printf '%s' "$3" | base64 -d >"$hd_staged" || abort failed
    chmod "$2" "$hd_staged" || abort failed
    sync "$hd_staged" || abort failed
}
