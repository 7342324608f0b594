# SPDX-License-Identifier: GPL-2.0
#
# From results.csv what bars.gnuplot draws: of one question one metric, a column for each stack,
# a line for each variant. "?" where there is no figure.
# Usage: awk -v question=Q -v metric=M -f bars.awk results.csv

BEGIN {
	FS = ","
	title["bare"] = "bare device"
	title["linear"] = "dm-linear"
	title["ioband"] = "dm-ioband"
	title["ioband-none"] = "dm-ioband, type none"
	title["ioband-user"] = "dm-ioband, type user"
	title["ioband-cgroup"] = "dm-ioband, type cgroup"
	title["bfq"] = "BFQ"
}

$1 == question && $4 == metric {
	if (!($2 in seen_variant))
		variants[++nv] = $2
	if (!($3 in seen_stack))
		stacks[++ns] = $3
	seen_variant[$2]
	seen_stack[$3]
	value[$2, $3] = $5
}

END {
	line = "variant"
	for (j = 1; j <= ns; j++)
		line = line "\t" (stacks[j] in title ? title[stacks[j]] : stacks[j])
	print line
	for (i = 1; i <= nv; i++) {
		line = variants[i]
		for (j = 1; j <= ns; j++)
			line = line "\t" ((variants[i], stacks[j]) in value ? value[variants[i], stacks[j]] : "?")
		print line
	}
}
