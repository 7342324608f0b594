# SPDX-License-Identifier: GPL-2.0
#
# From fio's log of a job's rate, a line each 10 ms: when a tenth of a second began in which it had
# what is wanted (2 % less will do), and when the last one ended in which it had more or less than
# that by 5 %, in ms since it started.
# Usage: awk -F', *' -v wanted=IOPS -f return.awk FILE

BEGIN { window = 10 }

{ time[NR] = $1; rate[NR] = $2 }

END {
	back = "never"
	settled = 0
	for (i = 1; i + window - 1 < NR; i++) {
		mean = 0
		for (j = i; j < i + window; j++)
			mean += rate[j] / window
		if (back == "never" && mean >= 0.98 * wanted)
			back = time[i] - 10
		if (mean < 0.95 * wanted || mean > 1.05 * wanted)
			settled = time[i + window - 1]
	}
	print back, settled
}
