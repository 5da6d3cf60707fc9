# shellcheck shell=sh
# The steps of a script that changes a node.
# Requires: lock.sh lock_release.sh
# Inputs: HD_OTHERWISE
# HD_OTHERWISE: the function to call if a step fails: restore, restore_classic, keep_off or no_restore.

# step NUMBER COMMAND...: the output of the command is the body of the message; the first failure ends the run.
step() {
    hd_step=$1
    shift
    lock_keep
    emit step "$hd_step"
    # An error that ends the shell itself (POSIX, 2.8.1) is a failure, too.
    trap step_failed EXIT
    "$@" || step_failed
    trap - EXIT
    emit ok "$hd_step"
}

step_failed() {
    trap - EXIT
    emit failed "$hd_step"
    lock_keep
    "$HD_OTHERWISE"
    end_script
    exit 1
}

no_restore() { emit no-restore; }
