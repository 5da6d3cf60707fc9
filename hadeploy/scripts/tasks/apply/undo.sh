# shellcheck shell=sh
# The last good files and record, which are kept until a change is complete.
# Requires: engine.sh
# Inputs: HD_ROOT

# save_undo: saves the files and the record for a restore, with their checksums, and whether keepalived was
# stopped. If the record has not changed, it keeps what a killed run saved, since the live files may be partially
# changed.
save_undo() {
    if [ -d "$HD_ROOT/.undo" ]; then
        if undo_is_complete; then
            cmp -s "$HD_ROOT/.undo/applied.json" "$HD_ROOT/applied.json" && return 0
            keep_previous
        fi
        remove_undo
    fi
    [ -f "$HD_ROOT/applied.json" ] || return 0
    rm -rf "$HD_ROOT/.undo.new"
    mkdir -m 0700 "$HD_ROOT/.undo.new" &&
        cp -pR "$HD_ROOT/haproxy" "$HD_ROOT/keepalived" "$HD_ROOT/applied.json" "$HD_ROOT/.undo.new" &&
        (
            cd "$HD_ROOT/.undo.new" &&
                find haproxy keepalived applied.json -type f -exec sha256sum {} + >sums
        ) &&
        save_stopped "$HD_ROOT/.undo.new" &&
        durable "$HD_ROOT/.undo.new" &&
        mv "$HD_ROOT/.undo.new" "$HD_ROOT/.undo" && sync "$HD_ROOT"
}

# save_stopped FOLDER: saves whether an operator has stopped keepalived: a restore must not start it, or it
# would take part in elections again. A container that the engine restarts again and again is not stopped.
save_stopped() {
    hd_former=$(former_container 2 "$1")
    ! main_pid "$hd_former" >/dev/null || return 0
    case $(docker container inspect --format '{{.State.Status}}' "$hd_former" 2>/dev/null) in
    exited | created) : >"$1/keepalived-stopped" ;;
    esac
}

# was_stopped ROLE
was_stopped() { [ -f "$HD_ROOT/.undo/$1-stopped" ]; }

# undo_is_complete: whether the saved files are intact. Older versions wrote no checksums and did not sync: a
# power cut left empty files.
undo_is_complete() (
    cd "$HD_ROOT/.undo" 2>/dev/null || return 1
    if [ -f sums ]; then
        sha256sum -c sums >/dev/null 2>&1
    else
        [ -s applied.json ] && [ -s haproxy/haproxy.cfg ] && [ -s keepalived/keepalived.conf ]
    fi
)

# remove_undo: atomically, so that a part of it never counts as complete.
remove_undo() {
    rm -rf "$HD_ROOT/.undo.gone"
    [ ! -d "$HD_ROOT/.undo" ] || mv "$HD_ROOT/.undo" "$HD_ROOT/.undo.gone" || return 1
    rm -rf "$HD_ROOT/.undo.gone"
}

# keep_previous: the state before the last finished change, for `up --rollback`.
keep_previous() {
    [ -f "$HD_ROOT/.undo/applied.json" ] || return 0
    # An intermediate state is no target for a rollback.
    ! grep -qF '"interim": true' "$HD_ROOT/.undo/applied.json" || {
        remove_undo
        return
    }
    rm -rf "$HD_ROOT/.previous" && mv "$HD_ROOT/.undo" "$HD_ROOT/.previous" && sync "$HD_ROOT"
}

# former_container NUMBER [FOLDER]: the name of a container in the saved record: 1 is haproxy, 2 is keepalived.
former_container() {
    sed -n '/^ "containers": {/,/^ }/s/^  "\([^"]*\)": .*/\1/p' "${2:-"$HD_ROOT/.undo"}/applied.json" |
        sed -n "$1p"
}

# recorded KEY: a word or number at the top level of the saved record.
recorded() {
    sed -n "s/^ \"$1\": \"\{0,1\}\([0-9a-f]*\).*/\1/p" "$HD_ROOT/.undo/applied.json" 2>/dev/null
}
