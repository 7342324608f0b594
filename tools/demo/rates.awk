# SPDX-License-Identifier: GPL-2.0
#
# From the logs of one phase (files PHASE.NAME_KIND.log, lines "time in ms since 1970, value, ...")
# to CSV lines, of which the first four columns are "phase,seconds,name,rate".
#   iops   fio's: requests a second, the mean of the window that ends at that time;
#          "phase,seconds,name,iops,kib_per_s". Second 0 is when the first window begins.
#   bytes  of a counter of bytes; a rate is that from the mean of SAMPLES samples to the mean of as
#          many after them, so that a burst comes into it little by little, whatever its length
#          and the time between two samples have in common; "phase,seconds,name,mb_per_s".
#          Second 0 is the first sample.
# The first log is of the one who stays for all of the phase: its time counts.
# Usage: awk -v phase=P -v block_size_kib=4 -v window_ms=250 -f rates.awk P.2000_iops.log P.1000_iops.log
#        awk -v phase=P -v samples=SAMPLES -f rates.awk P.b_bytes.log P.a_bytes.log

# a rate is drawn in the middle of its window
function line(from, to, rates) {
	printf "%s,%.3f,%s,%s\n", phase, ((from + to) / 2 - origin) / 1000, name, rates
}

# mean(VALUES, N): of SAMPLES values up to the Nth
function mean(values, n,    i, sum) {
	for (i = n - samples + 1; i <= n; i++)
		sum += values[i]
	return sum / samples
}

BEGIN { FS = ", *" }
FNR == 1 {
	name = FILENAME
	sub(/_[a-z]*\.log$/, "", name)
	sub(/.*\./, "", name)
	counter = FILENAME ~ /_bytes\.log$/
}
NR == 1 { origin = counter ? $1 : $1 - window_ms }
!counter { line($1 - window_ms, $1, sprintf("%d,%d", $2, $2 * block_size_kib)) }
counter {
	at[FNR] = $1
	count[FNR] = $2
	if (FNR < 2 * samples)
		next
	from = mean(at, FNR - samples)
	to = mean(at, FNR)
	line(from, to, sprintf("%.3f", (mean(count, FNR) - mean(count, FNR - samples)) / (to - from) / 1000))
}
