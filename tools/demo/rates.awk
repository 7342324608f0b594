# SPDX-License-Identifier: GPL-2.0
#
# From fio's iops logs of one phase (time in ms since 1970, requests a second, ...;
# files PHASE.UID_iops.log) to CSV lines "phase,seconds,user,iops,kib_per_s".
# Second 0 is when the user who stays for all of the phase starts.
# Usage: awk -v phase=P -v block_size_kib=4 -v window_ms=250 -f rates.awk P.2000_iops.log P.1000_iops.log

BEGIN { FS = ", *" }
FNR == 1 {
	user = FILENAME
	sub(/_iops\.log$/, "", user)
	sub(/.*\./, "", user)
}
NR == 1 { origin = $1 - window_ms }
{
	# a sample is the mean of the window that ends at its time: draw it in the middle
	printf "%s,%.3f,%s,%d,%d\n", phase, ($1 - origin - window_ms / 2) / 1000, user, $2, $2 * block_size_kib
}
