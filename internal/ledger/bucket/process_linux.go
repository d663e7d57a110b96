package bucket

import (
	"bytes"
	"os"
	"strconv"
	"strings"
)

// thisProcess names this process for as long as the machine runs: boot, pid
// namespace, pid and start. It is empty if the system does not tell.
func thisProcess() string {
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	space, err := os.Readlink("/proc/self/ns/pid")
	if err != nil {
		return ""
	}
	pid := os.Getpid()
	start, alive := started(pid)
	if !alive {
		return ""
	}
	return strings.Join([]string{strings.TrimSpace(string(boot)), space, strconv.Itoa(pid), start}, "/")
}

// gone reports whether a process is certainly dead: it ran on this machine,
// since its last start, where this process can see it, and is not there.
func gone(process string) bool {
	theirs := strings.Split(process, "/")
	ours := strings.Split(thisProcess(), "/")
	if len(theirs) != 4 || len(ours) != 4 || theirs[0] != ours[0] || theirs[1] != ours[1] {
		return false
	}
	pid, err := strconv.Atoi(theirs[2])
	if err != nil {
		return false
	}
	start, alive := started(pid)
	return !alive || start != theirs[3]
}

// started gives the start of a process in ticks since boot; alive is false if
// it is not there, or has ended and is only waited for.
func started(pid int) (start string, alive bool) {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return "", !os.IsNotExist(err)
	}
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:]) // the name before may hold anything
	if len(fields) < 20 {
		return "", true
	}
	state := string(fields[0])
	return string(fields[19]), state != "Z" && state != "X"
}
