# shellcheck shell=sh
# Asking the real programs what they think of files.

# with_stdin FILE COMMAND...: a file in base64 on the stdin of a command.
with_stdin() {
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
    capture 65536 with_stdin "$hd_file" timeout 60 "$@"
    hd_output=$(printf '%s\n' "$hd_output" | grep -v '^WARNING: ')
    printf '%s\n' "$hd_output"
    # The engine could not run it at all (docker-run(1), EXIT STATUS); the last two may also be the
    # program's own.
    case $hd_code:$hd_output in
    124:* | 125:* | 12[67]:*'docker: '*)
        abort not-started "$hd_role"
        ;;
    esac
    # keepalived 2.0 calls a file with an unknown keyword good; but it says something about it.
    [ "$hd_role" = keepalived ] && [ -n "$hd_output" ] && hd_code=1
    [ "$hd_code" -eq 0 ] && return 0
    abort refused "$hd_role" "$hd_code"
}
