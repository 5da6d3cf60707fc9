# shellcheck shell=sh
# Validate files with the real programs.

# with_stdin FILE COMMAND...: FILE, in base64, is the stdin of the command.
with_stdin() {
    hd_given=$1
    shift
    { printf '%s' "$hd_given" | base64 -d; } 2>/dev/null | "$@"
}

# validate ROLE FILE COMMAND...: fails with the program's own messages. FILE, in base64, is for its stdin.
validate() {
    hd_role=$1
    hd_file=$2
    shift 2
    emit validating "$hd_role"
    # Warnings of the engine's client are not from the program.
    capture 65536 with_stdin "$hd_file" timeout 60 "$@"
    hd_output=$(printf '%s\n' "$hd_output" | grep -v '^WARNING: ')
    printf '%s\n' "$hd_output"
    # The engine did not start the program (docker-run(1), EXIT STATUS); the program can also exit with 126
    # or 127 itself.
    case $hd_code:$hd_output in
    124:* | 125:* | 12[67]:*'docker: '*)
        abort not-started "$hd_role"
        ;;
    esac
    # keepalived 2.0 accepts a file with an unknown keyword, but prints a message about it.
    [ "$hd_role" = keepalived ] && [ -n "$hd_output" ] && hd_code=1
    [ "$hd_code" -eq 0 ] && return 0
    abort refused "$hd_role" "$hd_code"
}
