# SPDX-License-Identifier: GPL-2.0
#
# KTAP: each path in the table of ceilings is a test, which passes if it takes no more
# instructions than that. Fails if one does not.
# Usage: awk -f ceilings.awk ceilings results.csv

FNR == 1 { file++ }

file == 1 && !/^#/ && NF == 3 {
	path[++n] = $1 "," $2
	ceiling[n] = $3
}

file == 2 {
	split($0, field, ",")
	if (field[1] == "cost" && field[4] == "over_base")
		measured[field[2] "," field[3]] = field[5]
}

END {
	print "KTAP version 1"
	print "1.." n
	for (i = 1; i <= n; i++) {
		name = path[i]
		sub(/,ioband-/, ", type ", name)
		if (!(path[i] in measured)) {
			print "# " name " was not measured"
			print "not ok " i " - " name
			failed = 1
			continue
		}
		over = measured[path[i]]
		good = over <= ceiling[i]
		printf "%sok %d - %s # %.0f instructions over dm-linear, ceiling %d\n", good ? "" : "not ", i, name, over, ceiling[i]
		if (!good)
			failed = 1
	}
	exit failed
}
