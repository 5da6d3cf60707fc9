# shellcheck shell=sh
# The steps of a script that changes a node.
# Requires: lock.sh lock_release.sh
# Inputs: HD_OTHERWISE
# HD_OTHERWISE: the function to call when a step fails: restore, restore_classic, keep_off or no_restore.

# step NUMBER COMMAND...: what it prints is the body of its message; the first failure ends the run.
step() {
    hd_step=$1
    shift
    lock_keep
    emit step "$hd_step"
    # What the shell itself dies of (POSIX, 2.8.1) has failed like all else.
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

no_restore() { emit not-restored; }
