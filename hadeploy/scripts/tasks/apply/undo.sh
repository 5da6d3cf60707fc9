# shellcheck shell=sh
# The last good files and record, which are kept until a change is finished.
# Inputs: HD_ROOT

# save_undo: what is put back if this node fails: the files and the record as they are, with their sums.
# What a dead run remembered stays, as long as the record is the same: what is live now may be half of a
# change.
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
        durable "$HD_ROOT/.undo.new" &&
        mv "$HD_ROOT/.undo.new" "$HD_ROOT/.undo" && sync "$HD_ROOT"
}

# undo_is_complete: whether what was remembered is still what it was then. An older version has written no
# sums, and did not wait for the disk: a power cut left its files empty.
undo_is_complete() (
    cd "$HD_ROOT/.undo" 2>/dev/null || return 1
    if [ -f sums ]; then
        sha256sum -c sums >/dev/null 2>&1
    else
        [ -s applied.json ] && [ -s haproxy/haproxy.cfg ] && [ -s keepalived/keepalived.conf ]
    fi
)

# remove_undo: in one instant, so that no half of it is ever taken for the whole.
remove_undo() {
    rm -rf "$HD_ROOT/.undo.gone"
    [ ! -d "$HD_ROOT/.undo" ] || mv "$HD_ROOT/.undo" "$HD_ROOT/.undo.gone" || return 1
    rm -rf "$HD_ROOT/.undo.gone"
}

# keep_previous: the state before the last finished change, for `up --rollback`.
keep_previous() {
    [ -f "$HD_ROOT/.undo/applied.json" ] || return 0
    # What was only on the way is nothing to go back to.
    ! grep -qF '"interim": true' "$HD_ROOT/.undo/applied.json" || {
        remove_undo
        return
    }
    rm -rf "$HD_ROOT/.previous" && mv "$HD_ROOT/.undo" "$HD_ROOT/.previous" && sync "$HD_ROOT"
}

# former_container NUMBER: the name of that container in the record to go back to, which has haproxy's first.
former_container() {
    sed -n '/^ "containers": {/,/^ }/s/^  "\([^"]*\)": .*/\1/p' "$HD_ROOT/.undo/applied.json" |
        sed -n "$1p"
}

# recorded KEY: a word or a number that the record to go back to has at its top.
recorded() {
    sed -n "s/^ \"$1\": \"\{0,1\}\([0-9a-f]*\).*/\1/p" "$HD_ROOT/.undo/applied.json" 2>/dev/null
}
