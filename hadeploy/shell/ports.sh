# shellcheck shell=sh
# Who listens where.

# one_listens PORT: one process, so the worker before this one has left the port to it. One that was
# frozen goes on first: it has been told to leave, and until then clients would wait for it.
one_listens() {
    hd_listening=0
    for hd_owner in $(ss -Hltnp "sport = :$1" | grep -o 'pid=[0-9]*' | sort -u); do
        hd_owner=${hd_owner#pid=}
        hd_listening=$((hd_listening + 1))
        case $(sed 's/.*) //' "/proc/$hd_owner/stat" 2>/dev/null) in T*) kill -CONT "$hd_owner" ;; esac
    done
    [ "$hd_listening" -eq 1 ]
}
