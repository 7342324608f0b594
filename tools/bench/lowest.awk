# SPDX-License-Identifier: GPL-2.0
#
# From lines "time in us, I/Os that the device has completed", ascending: its mean rate, and the
# lowest in any half second; both without the first half second with I/O and the last.
# Usage: awk -f lowest.awk FILE

BEGIN { margin = 500000; window = 500000 }

NR == 1 { idle = $2 }
$2 > idle + 100 { time[++n] = $1; ios[n] = $2 }
$2 > ios_at_end { ios_at_end = $2; end = $1 }

END {
	last = n
	while (time[last] > end - margin)
		last--
	for (first = 1; time[first] < time[1] + margin; first++)
		;
	lowest = 1e9
	for (j = i = first; j <= last; j++) {
		if (time[j] - time[i] < window)
			continue
		while (time[j] - time[i + 1] >= window)
			i++
		rate = 1e6 * (ios[j] - ios[i]) / (time[j] - time[i])
		if (rate < lowest)
			lowest = rate
	}
	printf "%.1f %.1f\n", 1e6 * (ios[last] - ios[first]) / (time[last] - time[first]), lowest
}
