# SPDX-License-Identifier: GPL-2.0
#
# KTAP: each line of the table of ceilings is a test, which passes if what was measured is no more
# than that. Fails if one does not.
# Usage: awk -f ceilings.awk ceilings results.csv

BEGIN { FS = "," }

FNR == 1 { file++ }

file == 1 && !/^#/ && NF == 5 {
	key[++n] = $1 FS $2 FS $3 FS $4
	ceiling[n] = $5
	name[n] = $2 ", " $3 ", " $4
	gsub(/_/, " ", name[n])
	path[n] = $1 FS $2
	metric[n] = $4
}

file == 2 { measured[$1 FS $2 FS $3 FS $4] = $5 }

# limit I: the ceiling of that line as a number; empty if what it is relative to was not measured
function limit(i,    words, other) {
	if (split(ceiling[i], words, "*") == 1)
		return ceiling[i]
	other = path[i] FS words[2] FS metric[i]
	return other in measured ? words[1] * measured[other] : ""
}

END {
	print "KTAP version 1"
	print "1.." n
	for (i = 1; i <= n; i++) {
		most = limit(i)
		if (!(key[i] in measured) || most == "") {
			print "# " name[i] " was not measured"
			print "not ok " i " - " name[i]
			failed = 1
			continue
		}
		good = measured[key[i]] <= most + 0
		printf "%sok %d - %s # %.0f instructions per I/O, ceiling %.0f\n", good ? "" : "not ", i, name[i], measured[key[i]], most
		if (!good)
			failed = 1
	}
	exit failed
}
