# SPDX-License-Identifier: GPL-2.0
#
# From the lines owners-guest leaves for both phases to the table and the verdict.
# Fails unless, with bio-cgroup, what a cgroup has written according to the kernel is
# within 2 % of what it wrote, for each workload.
# FILE gets what owners.gnuplot must know, in MiB.
# Usage: awk -v picture_file=FILE -f owners.awk owners.csv

function die(sentence) {
	print "tools/demo/run: " sentence > "/dev/stderr"
	failed = 1
	exit 1
}

function mib(count, workload, cgroup) {
	if (!((count, workload, cgroup) in bytes))
		die("the guest did not say what cgroup " cgroup " wrote: " workload ", " count)
	return bytes[count, workload, cgroup] / 1048576
}

# Nothing is printed or drawn of figures that are not complete
function require_all(    i, j, k) {
	for (i = 1; i <= n; i++)
		for (j = 1; j <= 3; j++)
			for (k = 1; k <= 3; k++)
				mib(counts[j], workloads[i], cgroups[k])
}

function line(count, workload, title,    i, cgroup, variable, s) {
	s = sprintf("  %-22s", title)
	for (i = 1; i <= 3; i++) {
		cgroup = cgroups[i]
		s = s sprintf("%11.1f", mib(count, workload, cgroup))
		variable = count "_" workload "_" cgroup
		gsub(/-/, "_", variable)
		printf "%s = %.4f\n", variable, mib(count, workload, cgroup) > picture_file
	}
	print s
}

function check(workload, cgroup,    wrote, counted) {
	wrote = mib("wrote", workload, cgroup)
	counted = mib("with", workload, cgroup)
	if (counted < 0.98 * wrote || counted > 1.02 * wrote)
		wrong = wrong sprintf("; %s, cgroup %s: %.1f instead of %.1f MiB", workload, cgroup, counted, wrote)
}

BEGIN {
	FS = ","
	split("a b others", cgroups, " ")
	split("wrote without with", counts, " ")
	n = split("own-files one-file vfat", workloads, " ")
	title["own-files"] = "ext4, a file each"
	title["one-file"] = "ext4, one file, by turns"
	title["vfat"] = "vfat, a file each"
}

FNR > 1 { bytes[$1, $2, $3] = $4 }

END {
	if (failed)
		exit 1
	require_all()
	print ""
	print "Who wrote what, in MiB, according to the kernel"
	for (i = 1; i <= n; i++) {
		workload = workloads[i]
		printf "\n  %-24s%9s%11s%11s\n", title[workload], "a", "b", "others"
		line("wrote", workload, "written")
		line("without", workload, "without bio-cgroup")
		line("with", workload, "with bio-cgroup")
		check(workload, "a")
		check(workload, "b")
	}
	print ""
	if (wrong)
		die("with bio-cgroup the kernel is more than 2 % off" wrong)
}
