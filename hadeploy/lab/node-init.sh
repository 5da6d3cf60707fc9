#!/bin/sh
# PID 1 of a lab node, in new mount, PID and UTS namespaces and in the node's network namespace.
# Builds the root of the node from this machine's files, enters it, starts the services and then
# waits for orphaned processes.
#
# usage: node-init.sh DISK NAME DOCKERD-COMMAND...
#   DISK contains: layers       one line for each file system: MOUNTPOINT FOLDER
#                  FOLDER/upper, FOLDER/work   the node's changes to it
#                  var-lib/docker, var-lib/containerd   not overlaid: Docker uses its own overlays
set -eu

# The shell reads a whole function before it runs it, so it does not need the script's file after
# pivot_root.
main() {
	disk=$1
	name=$2
	shift 2
	root=$disk/root
	hostname "$name"

	while read -r mountpoint folder; do
		mount -t overlay overlay \
			-o "lowerdir=$mountpoint,upperdir=$disk/$folder/upper,workdir=$disk/$folder/work" \
			"$root${mountpoint%/}"
	done <"$disk/layers"

	mount -t proc -o nosuid,nodev,noexec proc "$root/proc"
	# A sysfs shows the network of the namespace in which it was mounted. Docker needs its cgroups.
	mount -t sysfs -o nosuid,nodev,noexec sysfs "$root/sys"
	mount --rbind /sys/fs/cgroup "$root/sys/fs/cgroup"
	mount --rbind /dev "$root/dev"
	mount -t tmpfs -o nosuid,nodev,mode=1777 tmpfs "$root/dev/shm"
	mount -t tmpfs -o nosuid,nodev,mode=0755 tmpfs "$root/run"
	mount -t tmpfs -o nosuid,nodev,mode=1777 tmpfs "$root/tmp"
	for folder in docker containerd; do
		mount --bind "$disk/var-lib/$folder" "$root/var/lib/$folder"
	done

	mkdir "$root/run/sshd" "$root/run/lock" "$root/run/machine"
	cd "$root"
	pivot_root . run/machine
	cd /
	umount -l /run/machine
	rmdir /run/machine

	# Every boot has its own id, as on a real machine, to detect a reboot.
	cat /proc/sys/kernel/random/uuid >/run/boot_id
	mount --bind /run/boot_id /proc/sys/kernel/random/boot_id

	/usr/sbin/sshd -f /etc/ssh/sshd_config -E /var/log/sshd.log
	setsid "$@" </dev/null >>/var/log/dockerd.log 2>&1 &
	echo "up" >/run/lab-booted

	# While dash waits for the child that never ends, it also collects orphaned processes.
	while :; do
		sleep infinity &
		wait "$!" || :
	done
}

main "$@"
